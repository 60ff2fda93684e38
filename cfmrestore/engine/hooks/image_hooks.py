"""Pictures of restored images: grids while training, panels and single files of a test."""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.hooks import Hook

from cfmrestore.engine.panels import panel, stack, to_pixels, write_png
from cfmrestore.evaluation.metrics.base import pictures
from cfmrestore.imageio import read_image
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


@HOOKS.register_module()
class PictureHook(Hook):
    """Writes input, bicubic, restoration and target of each image side by side, and the first ones as one sheet.

    Args:
        folder: Where to.
        num_images: Rows of ``sheet.png``.
        side: Of the squares in it, cut from the middle of the images.
    """

    def __init__(self, *, folder: str, num_images: int = 8, side: int = 320) -> None:
        self.num_images, self.side = num_images, side
        self.folder, self.subfolder = Path(folder), ""  # the second for sets of images that are tested in turn
        self._rows: list[Any] = []

    def before_test_epoch(self, runner: Any) -> None:
        del runner
        self._rows = []

    def after_test_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del runner, batch_idx, data_batch
        for sample in outputs or []:
            name = Path(sample["name"]).with_suffix("").as_posix().replace("/", "_")
            write_png(self.folder / self.subfolder / f"{name}.png", panel(sample))
            if len(self._rows) < self.num_images:
                self._rows.append(panel(sample, side=self.side))

    def after_test_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        del metrics
        if runner.rank == 0 and self._rows:
            write_png(self.folder / self.subfolder / "sheet.png", stack(self._rows))
            runner.logger.info(f"pictures are in {self.folder / self.subfolder}")


@HOOKS.register_module()
class SaveImagesHook(Hook):
    """Writes restoration, bicubic interpolation and target of every image, each into a folder of its own.

    Args:
        folder: Where to.
    """

    def __init__(self, *, folder: str) -> None:
        self.folder, self.subfolder = Path(folder), ""  # the second for sets of images that are tested in turn

    def after_test_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del runner, batch_idx, data_batch
        for sample in outputs or []:
            for kind, image in pictures(sample).items():
                write_png(self._place(self.subfolder, kind, sample["name"]), to_pixels(image))

    def read(self, subfolder: str, name: str) -> dict[str, np.ndarray]:
        """The images of that name, by kind."""
        kinds = sorted(kind.name for kind in (self.folder / subfolder).iterdir() if kind.is_dir())
        paths = {kind: self._place(subfolder, kind, name) for kind in kinds}
        return {kind: read_image(path) for kind, path in paths.items() if path.is_file()}

    def _place(self, subfolder: str, kind: str, name: str) -> Path:
        """The file of an image: one flat name for its path below its folder."""
        return self.folder / subfolder / kind / f"{name.replace('/', '__')}.png"
