"""Dataset of images with label maps: the class of every pixel."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.paired_folder import pairs_of
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class LabelMapFolder(ImageDataset):
    """Images and label maps with the same path below their roots, whatever their suffixes.

    A map is gray or has a palette; its values are the indices of classes.

    Args:
        image_root: The folder of images.
        map_root: The folder of label maps.
        classes: Names of the classes, or how many there are.
        unlabeled: The value of pixels without a class; they become one more class, the last.
        pipeline: Transforms; they treat an image and its map alike.
        seed: The run's seed; the runner gives it.
        on_error: "raise" or "skip" an unreadable file.
        cache_images: How many decoded images, and as many maps, a worker keeps in memory.
    """

    def __init__(
        self,
        *,
        image_root: str,
        map_root: str,
        classes: Sequence[str] | int,
        unlabeled: int | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        names = tuple(str(number) for number in range(classes)) if isinstance(classes, int) else tuple(classes)
        pairs = pairs_of(image_root, map_root)
        self.samples = [(name, {"high": image, "map": labels}) for name, image, labels in pairs]
        self.unlabeled = unlabeled
        self.metainfo = {"classes": names if unlabeled is None else (*names, "unlabeled")}

    def parts(self, index: int, seed: int) -> Sample:
        sample = super().parts(index, seed)
        labels, count = sample["map"], len(self.metainfo["classes"])
        if self.unlabeled is not None:
            labels = np.where(labels == self.unlabeled, np.uint8(count - 1), labels)
        if labels.max() >= count:
            raise ValueError(f"the label map has the value {labels.max()}; there are {count} classes, from 0 on")
        return {**sample, "map": labels}
