"""Dataset of photographs, whose low-quality versions are made while training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.photographs import Photographs
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.imageio import list_images
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class ImageFolder(Photographs):
    """All images below a folder, at any depth, in any format that Pillow or OpenCV reads.

    FFHQ (``images1024x1024/00000/00000.png`` and on) and CelebA-HQ (``CelebA-HQ-img/0.jpg`` and on) are such folders:
    ``data_root`` is the outer one, and ``ResizeCrop`` in the pipeline brings them to a size.

    Args:
        data_root: The folder.
        split: "held_out" takes every fourth file by name, beginning with the first; "train" the others.
        degradation: As of ``Photographs``.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``.
    """

    def __init__(
        self,
        *,
        data_root: str,
        split: str = "all",
        degradation: list[dict[str, Any]] | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(
            degradation=degradation, pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images
        )
        root = Path(data_root)
        self.samples = [(path.relative_to(root).as_posix(), {"high": path}) for path in list_images(root, split)]
        self.contents = f"{len(self)} images of {data_root}" + (f" ({split})" if split != "all" else "")
