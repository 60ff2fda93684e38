"""ZeRO's first stage."""

from typing import Any, ClassVar

from cfmrestore.engine.strategies.ddp import DDP


class ZeRO1(DDP):
    """DDP in which a process holds the optimizer states of some weights, updates those and sends them to the others.

    Reference: Rajbhandari et al., 2020, section 5.1 (arXiv:1910.02054).
    """

    divides: ClassVar[str | None] = "optimizer states"

    def optimizer(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "type": "ZeroRedundancyOptimizer", "optimizer_type": config["type"]}
