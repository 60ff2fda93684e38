"""COCO-Stuff: photographs with maps of things and stuff, as it is distributed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.label_map_folder import LabelMapFolder
from cfmrestore.datasets.layouts import one_of, read_lines, subfolder
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class COCOStuff(LabelMapFolder):
    """``train2017/*.jpg`` and ``stuffthingmaps/train2017/*.png``, ``val2017`` too.

    The maps have the values 0 to 181, one less than the numbers in ``labels.txt``, and 255 for "unlabeled". Of the 182
    classes 171 occur: 80 things and 91 stuff; 11 things of COCO were never annotated. Here "unlabeled" is class 182,
    which makes 183; LFM's count of 182 leaves it out. Names are those of ``labels.txt`` (lines ``1: person``), where it
    is.

    Reference: Caesar et al., 2018, COCO-Stuff: thing and stuff classes in context (arXiv:1612.03716).

    Args:
        data_root: The folder of ``train2017``, ``val2017`` and ``stuffthingmaps``.
        split: "train2017" or "val2017".
        pipeline: Transforms; they treat an image and its map alike.
        seed: The run's seed; the runner gives it.
        on_error: "raise" or "skip" an unreadable file.
        cache_images: How many decoded images, and as many maps, a worker keeps in memory.
    """

    def __init__(
        self,
        *,
        data_root: str,
        split: str = "train2017",
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        one_of("split", split, ("train2017", "val2017"))
        images, maps = (subfolder(data_root, name, "COCO-Stuff") for name in (split, f"stuffthingmaps/{split}"))
        super().__init__(
            image_root=str(images),
            map_root=str(maps),
            classes=_names(Path(data_root, "labels.txt")) or 182,
            unlabeled=255,
            pipeline=pipeline,
            seed=seed,
            on_error=on_error,
            cache_images=cache_images,
        )


def _names(path: Path) -> list[str]:
    """Names of the numbers 1 to 182; none without the file."""
    if not path.is_file():
        return []
    named = dict(line.split(":", 1) for line in read_lines(path) if ":" in line)
    if missing := [number for number in range(1, 183) if str(number) not in named]:
        raise ValueError(f"{str(path)!r} has no line '{missing[0]}: NAME'")
    return [named[str(number)].strip() for number in range(1, 183)]
