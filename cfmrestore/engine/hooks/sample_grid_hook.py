"""A picture of the first validation images, each time they are restored."""

from typing import Any

from mmengine.hooks import Hook

from cfmrestore.engine.panels import panel, stack
from cfmrestore.registry import HOOKS


@HOOKS.register_module()
class SampleGridHook(Hook):
    """Input, bicubic, restoration and target of the first validation images, in the visualizer's backends.

    Args:
        num_images: How many images.
        side: Longest side of a picture, in pixels.
    """

    priority = "LOW"

    def __init__(self, *, num_images: int = 4, side: int = 256) -> None:
        self.num_images, self.side = num_images, side
        self._rows: list[Any] = []

    def before_val_epoch(self, runner: Any) -> None:
        del runner
        self._rows = []

    def after_val_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del runner, batch_idx, data_batch
        for sample in (outputs or [])[: self.num_images - len(self._rows)]:
            self._rows.append(panel(sample, side=self.side))

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        del metrics
        if self._rows and runner.rank == 0:
            runner.visualizer.add_image("samples", stack(self._rows), step=runner.iter)
