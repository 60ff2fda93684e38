"""The images that were tested, as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.hooks import Hook

from cfmrestore.datasets.files import read_image
from cfmrestore.engine.panels import to_pixels, write_png
from cfmrestore.evaluation.metrics.base import pictures
from cfmrestore.registry import HOOKS


@HOOKS.register_module()
class SaveImagesHook(Hook):
    """Writes restoration, bicubic interpolation and target of every image, each into a folder of its own.

    Args:
        folder: Where to.
    """

    def __init__(self, *, folder: str) -> None:
        self.start(Path(folder))

    def start(self, folder: Path) -> None:
        """Go on with another set of images in another folder."""
        self.folder = folder

    def after_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Sequence[dict[str, Any]] | None = None
    ) -> None:
        del runner, batch_idx, data_batch
        for sample in outputs or []:
            for kind, image in pictures(sample).items():
                write_png(self.folder / kind / file_name(sample["name"]), to_pixels(image))


def file_name(name: str) -> str:
    """One flat name for an image's path below its folder."""
    return f"{name.replace('/', '__')}.png"


def kept(folder: Path, name: str) -> dict[str, np.ndarray]:
    """The images of that name, by kind."""
    paths = {kind.name: kind / file_name(name) for kind in sorted(folder.iterdir()) if kind.is_dir()}
    return {kind: read_image(path) for kind, path in paths.items() if path.is_file()}
