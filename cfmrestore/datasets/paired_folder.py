"""Dataset of pairs: low-quality images, and their targets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.imageio import list_images
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class PairedFolder(ImageDataset):
    """Pairs of files with the same path below their roots, whatever their formats.

    Args:
        high_root: The folder of targets.
        low_root: The folder of inputs.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``; transforms treat both images of a pair alike.
    """

    def __init__(
        self,
        *,
        high_root: str,
        low_root: str,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        pairs = pairs_of(high_root, low_root)
        self.samples = [(name, {"high": high, "low": low}) for name, high, low in pairs]
        self.contents = f"{len(pairs)} pairs of {low_root} and {high_root}"


def pairs_of(*roots: str) -> list[tuple[str, Path, Path]]:
    """Images of two folders with the same path below them, each pair with that path; none may be left alone."""
    first, second = ({_stem(p, Path(root)): p for p in list_images(root)} for root in roots)
    if alone := sorted(first.keys() ^ second.keys()):
        shown = ", ".join(alone[:10]) + (f" and {len(alone) - 10} more" if len(alone) > 10 else "")
        raise ValueError(f"{len(alone)} images of {roots[0]!r} and {roots[1]!r} have no partner: {shown}")
    return [(name, first[name], second[name]) for name in sorted(first)]


def _stem(path: Path, root: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()
