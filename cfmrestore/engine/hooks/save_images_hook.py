"""The images that were tested, as files."""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.hooks import Hook

from cfmrestore.engine.panels import to_pixels, write_png
from cfmrestore.evaluation.metrics.base import pictures
from cfmrestore.imageio import read_image
from cfmrestore.registry import HOOKS


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
        return self.folder / subfolder / kind / f"{name}.png"
