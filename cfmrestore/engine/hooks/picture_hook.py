"""A picture of every tested image."""

from pathlib import Path
from typing import Any

from mmengine.hooks import Hook

from cfmrestore.engine.panels import panel, stack, write_png
from cfmrestore.imageio import EXTENSIONS
from cfmrestore.registry import HOOKS

_SHEET = "sheet"


@HOOKS.register_module()
class PictureHook(Hook):
    """Writes input, bicubic, restoration and target of each image side by side, and the first ones as one sheet.

    A picture is called like its image, and lies where that one lies in its own folder.

    Args:
        folder: Where to.
        num_images: Rows of ``sheet.png``.
        side: Of the squares in it, cut from the middle of the images.
    """

    def __init__(self, *, folder: str, num_images: int = 8, side: int = 320) -> None:
        self.num_images, self.side = num_images, side
        self.folder, self.subfolder = Path(folder), ""  # the second for sets of images that are tested in turn
        self._rows: list[Any] = []
        self._names = {_SHEET: ""}  # of pictures, and the images that have them

    def before_test_epoch(self, runner: Any) -> None:
        del runner
        self._rows, self._names = [], {_SHEET: ""}

    def after_test_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del runner, batch_idx, data_batch
        for sample in outputs or []:
            write_png(self.folder / self.subfolder / f"{self._called(sample['name'])}.png", panel(sample))
            if len(self._rows) < self.num_images:
                self._rows.append(panel(sample, side=self.side))

    def _called(self, name: str) -> str:
        """The name of an image without its ending, or with it where another image has that one."""
        path = Path(name)
        bare = path.with_suffix("").as_posix() if path.suffix.lower() in EXTENSIONS else name
        if self._names.setdefault(bare, name) == name:
            return bare
        return name if name != bare else f"{name}_"

    def after_test_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        del metrics
        if runner.rank == 0 and self._rows:
            write_png(self.folder / self.subfolder / f"{_SHEET}.png", stack(self._rows))
            runner.logger.info(f"pictures are in {self.folder / self.subfolder}")
