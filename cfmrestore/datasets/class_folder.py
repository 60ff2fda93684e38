"""Dataset of images in a folder a class: ImageNet, as it is distributed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.image_folder import ImageFolder
from cfmrestore.datasets.layouts import read_lines
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class ClassFolder(ImageFolder):
    """``root/CLASS/**``: the class of an image is the number of its folder, by name: ``train/n01440764/*.JPEG`` is 0.

    Args:
        data_root: The folder of the folders.
        classes: Names of the folders in the order of their labels, or a file with one a line; without, all, sorted.
            Folders that it does not name are left out; those that it names must be there.
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
        classes: Sequence[str] | str | None = None,
        split: str = "all",
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(
            data_root=data_root, split=split, pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images
        )
        if loose := next((name for name, _ in self.samples if "/" not in name), None):
            raise ValueError(f"{data_root!r} needs a folder for each class; {loose!r} lies in none")
        folders = sorted(p.name for p in Path(data_root).iterdir() if p.is_dir() and not p.name.startswith("."))
        names = folders if classes is None else read_lines(Path(classes)) if isinstance(classes, str) else classes
        if missing := sorted(set(names) - set(folders)):
            raise ValueError(f"{data_root!r} has no folder of {len(missing)} classes: {', '.join(missing[:10])}")
        self.labels = {name: label for label, name in enumerate(names)}
        if len(names) != len(self.labels):
            raise ValueError(f"the {len(names)} classes name one twice")
        self.samples = [(name, files) for name, files in self.samples if name.split("/")[0] in self.labels]
        self.metainfo = {"classes": tuple(names)}

    def label(self, index: int) -> int:
        return self.labels[self.name(index).split("/")[0]]
