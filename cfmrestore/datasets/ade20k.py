"""ADE20K, the benchmark of 150 classes, as it is distributed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.label_map_folder import LabelMapFolder
from cfmrestore.datasets.layouts import one_of, read_lines, subfolder
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class ADE20K(LabelMapFolder):
    """``ADEChallengeData2016``: ``images`` and ``annotations`` of ``training`` (20,210) and ``validation`` (2,000).

    Of the 151 classes 0 is "other", as in the files; the names of 1 to 150 are those of ``objectInfo150.txt``, where it
    is.

    Reference: Zhou et al., 2017, Scene parsing through ADE20K dataset.

    Args:
        data_root: The folder ``ADEChallengeData2016``.
        split: "training" or "validation".
        pipeline: Transforms; they treat an image and its map alike.
        seed: The run's seed; the runner gives it.
        on_error: "raise" or "skip" an unreadable file.
        cache_images: How many decoded images, and as many maps, a worker keeps in memory.
    """

    def __init__(
        self,
        *,
        data_root: str,
        split: str = "training",
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        one_of("split", split, ("training", "validation"))
        images, maps = (subfolder(data_root, f"{kind}/{split}", "ADE20K") for kind in ("images", "annotations"))
        super().__init__(
            image_root=str(images),
            map_root=str(maps),
            classes=_names(Path(data_root, "objectInfo150.txt")) or 151,
            pipeline=pipeline,
            seed=seed,
            on_error=on_error,
            cache_images=cache_images,
        )


def _names(path: Path) -> list[str]:
    """The first name of each class, from a table with a head, whose last column has them; none without the file."""
    if not path.is_file():
        return []
    names = [line.split("\t")[-1].split(",")[0].strip() for line in read_lines(path)[1:]]
    if len(names) != 150:
        raise ValueError(f"{str(path)!r} names {len(names)} classes, not 150")
    return ["other", *names]
