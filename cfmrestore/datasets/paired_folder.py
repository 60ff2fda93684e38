"""Dataset of pairs: low-quality images, and their targets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.transforms.base import Sample, Transform, scale_of
from cfmrestore.imageio import images_by_name
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class PairedFolder(ImageDataset):
    """Pairs of files with the same path below their roots, whatever their formats.

    Args:
        high_root: The folder of targets.
        low_root: The folder of inputs.
        peer_root: The folder of what another model made of the inputs, of the size of the targets, which the loss
            ``Imitation`` is drawn to.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``; transforms treat both images of a pair alike.
    """

    def __init__(
        self,
        *,
        high_root: str,
        low_root: str,
        peer_root: str | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        pairs = pairs_of(high_root, low_root)
        self.samples = [(name, {"high": high, "low": low}) for name, high, low in pairs]
        if peer_root is not None:
            peers = {name: peer for name, _, peer in pairs_of(high_root, peer_root)}
            self.samples = [(name, {**files, "peer": peers[name]}) for name, files in self.samples]
        self.contents = f"{len(pairs)} pairs of {low_root} and {high_root}"
        self.scale: int | None = None

    def check_flow(self, flow: Any) -> None:
        """Refuse pairs of another scale than the flow's: the first one here, the others where they are read."""
        super().check_flow(flow)
        if (coupling := getattr(flow, "coupling", None)) is not None:
            self.scale = coupling.scale
            self[0]

    def parts(self, index: int, seed: int) -> Sample:
        sample = super().parts(index, seed)
        if self.scale is not None:
            _check_scale(sample, self.scale)
        if "peer" in sample and sample["peer"].shape != sample["high"].shape:
            sizes = ["{}x{}".format(*sample[part].shape[:2]) for part in ("peer", "high")]
            raise ValueError(f"what the peer made has {sizes[0]} pixels, and the target {sizes[1]}")
        return sample


def _check_scale(sample: Sample, scale: int) -> None:
    """An input may reach beyond its target, to the next multiple of the scale: evaluation cuts that off."""
    high, low = (sample[part].shape[:2] for part in ("high", "low"))
    if low != tuple(-(-side // scale) for side in high) and (factor := scale_of(sample)) != scale:
        sizes = "low {}x{}, high {}x{}".format(*low, *high)
        raise ValueError(
            f"the pair is x{factor} ({sizes}), the config says scale {scale}: --cfg-options scale={factor}"
        )


def pairs_of(*roots: str) -> list[tuple[str, Path, Path]]:
    """Images of two folders with the same path below them, each pair with that path; none may be left alone."""
    first, second = map(images_by_name, roots)
    lacks = [(roots[1], sorted(first.keys() - second)), (roots[0], sorted(second.keys() - first))]
    if told := [f"{root!r} lacks {_listed(names)}" for root, names in lacks if names]:
        raise ValueError(f"the pairs of {roots[0]!r} and {roots[1]!r} are not whole: {', and '.join(told)}")
    return [(name, first[name], second[name]) for name in sorted(first)]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return f"{len(names)} {'image' if len(names) == 1 else 'images'}: {shown}"
