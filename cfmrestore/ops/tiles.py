"""Windows that cover an image, and the weights by which what was made of them is put together."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Window:
    """A stretch of one axis, and how much each of its samples counts."""

    start: int
    stop: int
    weight: Tensor


@dataclass(frozen=True)
class Tiling:
    r"""Squares that overlap, with weights that sum to one at every place.

    Of the overlap of two neighbors the outer quarters on both sides are context alone: what a network makes of the
    samples next to a cut is not used. Between them the weight falls linearly from one neighbor to the next. So a
    network that sees no farther than a quarter of the overlap gives the same tiled as whole.

    Args:
        side: Samples along each side of a tile.
        overlap: Samples that neighbors share, at least.
        multiple: Tiles start at multiples of it, where a network that halves its input keeps its phase.
    """

    side: int
    overlap: int
    multiple: int = 1

    def __post_init__(self) -> None:
        m = self.multiple
        object.__setattr__(self, "overlap", -(-self.overlap // m) * m)
        object.__setattr__(self, "side", -(-self.side // m) * m)
        if not 0 <= self.overlap < self.side:
            raise ValueError(f"tiles of {self.side} need an overlap below that; got {self.overlap}")

    def scaled(self, factor: int) -> "Tiling":
        """The same tiles on an image that is larger by a factor."""
        return Tiling(factor * self.side, factor * self.overlap, factor * self.multiple)

    def starts(self, length: int) -> list[int]:
        """Where tiles begin; the last one ends at the end of the axis and is no longer than the others."""
        last = -(-max(length - self.side, 0) // self.multiple) * self.multiple
        return [*range(0, last, self.side - self.overlap), last]

    def windows(self, length: int) -> list[Window]:
        """The tiles of an axis, first to last."""
        cuts = [(start, min(start + self.side, length)) for start in self.starts(length)]
        raw = [self._tent(start, stop, length) for start, stop in cuts]
        total = torch.zeros(length, dtype=torch.float64, device="cpu")
        for (start, stop), weight in zip(cuts, raw, strict=True):
            total[start:stop] += weight
        shares = [weight / total[start:stop] for (start, stop), weight in zip(cuts, raw, strict=True)]
        return [Window(start, stop, share.float()) for (start, stop), share in zip(cuts, shares, strict=True)]

    def _tent(self, start: int, stop: int, length: int) -> Tensor:
        """1 inside, falling to 0 towards neighbors; it never falls at the edge of the image."""
        context = self.overlap // 4
        ramp = max(self.overlap - 2 * context, 1)
        place = torch.arange(start, stop, dtype=torch.float64, device="cpu") + 0.5
        weight = torch.ones_like(place)
        if start > 0:
            weight = weight.minimum(((place - start - context) / ramp).clamp(0, 1))
        if stop < length:
            weight = weight.minimum(((stop - context - place) / ramp).clamp(0, 1))
        return weight


@dataclass(frozen=True)
class Cut:
    """One tile: cuts it out of any tensor whose last two axes are a whole multiple of the tiled ones."""

    rows: Window
    columns: Window

    def __call__(self, x: Tensor, unit: int = 1) -> Tensor:
        rows = slice(unit * self.rows.start, unit * self.rows.stop)
        return x[..., rows, unit * self.columns.start : unit * self.columns.stop]


def count(size: tuple[int, int], tiling: Tiling) -> int:
    """Tiles of an image."""
    return len(tiling.starts(size[0])) * len(tiling.starts(size[1]))


def by_tiles(function: Callable[[Cut], Tensor], size: tuple[int, int], tiling: Tiling) -> Tensor:
    """Put together what a function makes of every tile.

    Args:
        function: Takes a cut and gives a tensor on the device of the canvas, whose sides are those of the cut or the
            same multiple of them for every tile.
        size: Height and width of what is tiled.
        tiling: The tiles.
    """
    tiles = [(r, c) for r in range(len(tiling.starts(size[0]))) for c in range(len(tiling.starts(size[1])))]
    axes = [tiling.windows(length) for length in size]
    canvas, fine, grow = None, axes, 1
    for row, column in tiles:
        part = function(Cut(axes[0][row], axes[1][column]))
        if len(tiles) == 1:
            return part
        if canvas is None:
            grow = part.shape[-2] // (axes[0][row].stop - axes[0][row].start)
            canvas = part.new_zeros(*part.shape[:-2], grow * size[0], grow * size[1])
            fine = axes if grow == 1 else [tiling.scaled(grow).windows(grow * length) for length in size]
        r, c = fine[0][row], fine[1][column]
        place = canvas[..., r.start : r.stop, c.start : c.stop]
        if tiling.overlap == 0 and not _shared(axes[0]) and not _shared(axes[1]):
            place.copy_(part)
        else:
            place.add_(part * r.weight[:, None].to(part) * c.weight.to(part))
    assert canvas is not None
    return canvas


def _shared(windows: list[Window]) -> bool:
    """Whether any two neighbors overlap: the last tile may, to end at the edge."""
    return any(a.stop > b.start for a, b in pairwise(windows))
