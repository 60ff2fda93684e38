"""CelebAMask-HQ: 30,000 faces with maps of 19 classes, as it is distributed."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.layouts import one_of, read_lines, subfolder
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.imageio import list_images
from cfmrestore.registry import DATASETS

PARTS = (
    "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip", "hair",
    "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
_FIRST_OF_VAL = 27_000
_LAST_OF_CELEBA = {"train": 162_770, "val": 182_637}  # by the number of the photograph in CelebA
_MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"


@DATASETS.register_module()
class CelebAMaskHQ(ImageDataset):
    """``CelebA-HQ-img/0.jpg`` and its parts, ``CelebAMask-HQ-mask-anno/0/00000_skin.png`` and so on, made into one map.

    Class 0 is the background; where parts overlap, the later one of skin, nose, glasses, eyes, brows, ears, mouth,
    lips, hair, hat, earring, necklace, neck, cloth counts, as in the authors' preparation. Parts have 512 pixels; the
    map gets the size of its image, 1024, by the nearest.

    Reference: Lee et al., 2020, MaskGAN (arXiv:1907.11922).

    Args:
        data_root: The folder of these folders.
        split: "all", "train" or "val"; with CelebA's own also "test".
        partition: "number" takes the first 27,000 for training and the last 3,000 for "val", as LFM does; "celeba" goes
            by the split of CelebA (24,183, 2,993 and 2,824), for which ``CelebA-HQ-to-CelebA-mapping.txt`` is read.
        pipeline: Transforms; they treat an image and its map alike.
        seed: The run's seed; the runner gives it.
        on_error: "raise" or "skip" an unreadable file.
        cache_images: How many decoded files a worker keeps in memory.
    """

    def __init__(
        self,
        *,
        data_root: str,
        split: str = "train",
        partition: str = "number",
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        one_of("partition", partition, ("number", "celeba"))
        one_of("split", split, ("all", "train", "val", "test")[: 4 if partition == "celeba" else 3])
        images, masks = (
            subfolder(data_root, name, "CelebAMask-HQ") for name in ("CelebA-HQ-img", "CelebAMask-HQ-mask-anno")
        )
        self.images = {int(path.stem): path for path in list_images(images) if path.stem.isdecimal()}
        self.masks, self.found = masks, _parts(masks)
        splits = {number: "val" if number >= _FIRST_OF_VAL else "train" for number in self.images}
        if partition == "celeba":
            splits = _by_celeba(Path(data_root, _MAPPING))
        for lack, known in ((f"{_MAPPING} has no line", splits), (f"{masks.name} has no part", self.found)):
            if alone := sorted(self.images.keys() - known.keys()):
                shown = ", ".join(f"{number}.jpg" for number in alone[:10])
                raise ValueError(f"{data_root!r}: {lack} of {len(alone)} images: {shown}")
        self.numbers = [number for number in sorted(self.images) if split in ("all", splits[number])]
        if not self.numbers:
            raise ValueError(f"{str(images)!r} has no images of the split {split!r}")
        self.metainfo = {"classes": ("background", *PARTS)}

    def __len__(self) -> int:
        return len(self.numbers)

    def name(self, index: int) -> str:
        return f"{self.numbers[index]}.jpg"

    def parts(self, index: int, seed: int) -> Sample:
        del seed
        number = self.numbers[index]
        image = self._read(self.images[number])
        labels = np.zeros(image.shape[:2], np.uint8)
        for label, part in enumerate(PARTS, 1):
            if part in self.found[number]:
                mask = self._read(self.masks / str(number // 2000) / f"{number:05d}_{part}.png")[..., 0] > 0
                rows, columns = (np.arange(n) * m // n for n, m in zip(labels.shape, mask.shape, strict=True))
                labels[mask[rows[:, None], columns]] = label
        return {"high": image, "map": labels}


def _parts(folder: Path) -> dict[int, set[str]]:
    """The parts that each image has; of some 300,000 files the names alone are read."""
    result: dict[int, set[str]] = {}
    for path in (path for part in folder.iterdir() if part.is_dir() for path in part.iterdir()):
        if match := re.fullmatch(r"(\d{5})_(\w+)\.png", path.name):
            result.setdefault(int(match[1]), set()).add(match[2])
    return result


def _by_celeba(path: Path) -> dict[int, str]:
    """The split of each image, from lines "number, number in CelebA, file in CelebA", below a head."""
    rows = [line.split() for line in read_lines(path)[1:]]
    if bad := [row for row in rows if not (len(row) == 3 and row[0].isdecimal() and Path(row[2]).stem.isdecimal())]:
        raise ValueError(f"{str(path)!r} is no table of three columns: {' '.join(bad[0])}")
    places = {int(number): int(Path(file).stem) for number, _, file in rows}
    return {
        number: next((split for split, last in _LAST_OF_CELEBA.items() if place <= last), "test")
        for number, place in places.items()
    }
