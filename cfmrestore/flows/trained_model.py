"""What mmengine's loops ask of a model, without mmengine's own models."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Preprocessor(nn.Module):
    """What makes batches of what a data loader gives, on the device of the model that it is a part of."""

    def __init__(self) -> None:
        super().__init__()
        self._place = torch.zeros(())  # moves with the model; no buffer, which ranks would send one another each step

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Preprocessor":
        super()._apply(fn, recurse)
        self._place = fn(self._place)
        return self

    @property
    def device(self) -> torch.device:
        return self._place.device


class TrainedModel(nn.Module):
    """A model that mmengine's runner trains, validates and tests.

    The steps are those of mmengine's ``BaseModel``, from which it does not inherit: to import that one loads torch's
    sharded optimizers, which takes as long as the restoration of a small picture. ``forward`` has its contract: "loss"
    gives the losses by name, "predict" a result an image.

    Args:
        data_preprocessor: What makes batches.
    """

    data_preprocessor: Any

    def __init__(self, data_preprocessor: nn.Module) -> None:
        super().__init__()
        self.data_preprocessor = data_preprocessor

    def init_weights(self) -> None:
        """What the runner calls before a training begins; parts that know it are asked as well."""
        for part in self.children():
            if callable(begin := getattr(part, "init_weights", None)):
                begin()

    def train_step(self, data: dict[str, Any], optim_wrapper: Any) -> dict[str, Tensor]:
        """One step of the optimizer; the losses, for the log."""
        with optim_wrapper.optim_context(self):
            losses = self(**self.data_preprocessor(data, True), mode="loss")
        loss, logged = self.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return logged

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum of what is called a loss, and all for the log, as means; mmengine's wrappers of models ask for it."""
        means = {name: loss.mean() for name, loss in losses.items()}
        total: Any = sum(mean for name, mean in means.items() if "loss" in name)
        return total, {"loss": total, **means}

    def val_step(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        return self.test_step(data)

    def test_step(self, data: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
        """Results of a batch with what belongs to them; the options are those of ``forward``."""
        results: list[dict[str, Any]] = self(**self.data_preprocessor(data, False), mode="predict", **options)
        return results
