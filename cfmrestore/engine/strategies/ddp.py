"""Distributed data parallel."""

import os
from collections.abc import Mapping
from typing import Any

from mmengine.model import MMDistributedDataParallel
from torch import nn

from cfmrestore.engine.strategies.base import Strategy


class DDP(Strategy):
    """Every process holds all weights and optimizer states, and gradients are averaged.

    Reference: Li et al., 2020 (arXiv:2006.15704).
    """

    def wrap(self, model: nn.Module, device: str, config: Mapping[str, Any]) -> nn.Module:
        return MMDistributedDataParallel(
            module=model.to(device),
            device_ids=None if device == "cpu" else [int(os.environ["LOCAL_RANK"])],
            broadcast_buffers=False,
            gradient_as_bucket_view=True,  # gradients are summed where they lie, and not copied to and fro
            find_unused_parameters=config.get("find_unused_parameters", False),
        )
