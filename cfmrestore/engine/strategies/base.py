"""Strategy base class: what the processes of a run divide among them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn


class Strategy(ABC):
    """How several processes train one model. A process alone trains without."""

    divides: ClassVar[str | None] = None
    """What each process holds a part of, beside the batch."""

    shards_weights: ClassVar[bool] = False
    """Whether weights are among it: then each process writes its part of a checkpoint."""

    def check(self, config: Mapping[str, Any]) -> None:
        """Refuse a config that cannot be trained so."""
        kind = config["optim_wrapper"].get("optimizer", {}).get("type")
        if self.divides and not (isinstance(kind, str) and hasattr(torch.optim, kind)):
            raise ValueError(
                f"a strategy that divides {self.divides} takes an optimizer of torch.optim, such as AdamW; got {kind!r}"
            )

    @abstractmethod
    def wrap(self, model: nn.Module, device: str, config: Mapping[str, Any]) -> nn.Module:
        """The model as one of several processes trains it."""

    def optimizer(self, config: dict[str, Any]) -> dict[str, Any]:
        """The optimizer's config as one of several processes builds it."""
        return config
