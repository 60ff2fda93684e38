"""Dataset of photographs, whose low-quality versions are made while training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.imageio import list_images
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class ImageFolder(ImageDataset):
    """All images below a folder, at any depth, in any format that Pillow or OpenCV reads.

    FFHQ (``images1024x1024/00000/00000.png`` and on) and CelebA-HQ (``CelebA-HQ-img/0.jpg`` and on) are such folders:
    ``data_root`` is the outer one, and ``ResizeCrop`` in the pipeline brings them to a size.

    Args:
        data_root: The folder.
        split: "held_out" takes every fourth file by name, beginning with the first; "train" the others.
        pipeline: Transforms.
        seed: The run's seed; the runner gives it.
        on_error: "raise" or "skip" an unreadable file.
        cache_images: How many decoded files a worker keeps in memory.
    """

    def __init__(
        self,
        *,
        data_root: str,
        split: str = "all",
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        self.root = Path(data_root)
        self.paths = list_images(self.root, split)

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return self.paths[index].relative_to(self.root).as_posix()

    def files(self, index: int) -> dict[str, Path]:
        return {"high": self.paths[index]}
