"""Tiling: overlapping windows of an image, and the blending of what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
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

    def windows(self, length: int) -> tuple[Window, ...]:
        """The tiles of an axis, first to last."""
        return _windows(self, length)

    def tent(self, start: int, stop: int, length: int) -> Window:
        """1 inside, falling to 0 towards neighbors; it never falls at the edge of the image."""
        context = self.overlap // 4
        ramp = max(self.overlap - 2 * context, 1)
        place = torch.arange(start, stop, dtype=torch.float64, device="cpu") + 0.5
        weight = torch.ones_like(place)
        if start > 0:
            weight = weight.minimum(((place - start - context) / ramp).clamp(0, 1))
        if stop < length:
            weight = weight.minimum(((stop - context - place) / ramp).clamp(0, 1))
        return Window(start, stop, weight)


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


class TileBlender:
    """Puts together what is made of every tile, with weights where tiles overlap.

    >>> blender = TileBlender(size, tiling)  # doctest: +SKIP
    >>> for cut in blender.cuts:  # doctest: +SKIP
    ...     blender.add(cut, function(cut(x)))
    >>> blender.blended  # doctest: +SKIP

    Args:
        size: Height and width of what is tiled.
        tiling: The tiles; None for one that is the whole.
    """

    def __init__(self, size: tuple[int, int], tiling: Tiling | None) -> None:
        self.size, self.tiling = size, tiling or Tiling(max(size), 0)
        rows, columns = (self.tiling.windows(length) for length in size)
        self.cuts = [Cut(row, column) for row in rows for column in columns]
        self._blends = tiling is not None and (self.tiling.overlap > 0 or _overlap(rows) or _overlap(columns))
        self._canvas: Tensor | None = None
        self._fine: dict[tuple[int, int], Cut] = {}

    def add(self, cut: Cut, part: Tensor) -> None:
        """What was made of a tile, on the device of the result; its sides are the same multiple of every tile's."""
        if len(self.cuts) == 1:
            self._canvas = part
            return
        if self._canvas is None:
            self._begin(part, part.shape[-2] // (cut.rows.stop - cut.rows.start))
        assert self._canvas is not None
        fine = self._fine[cut.rows.start, cut.columns.start]
        place = fine(self._canvas)
        if self._blends:
            place.add_(part * fine.rows.weight[:, None].to(part) * fine.columns.weight.to(part))
        else:
            place.copy_(part)

    def _begin(self, part: Tensor, factor: int) -> None:
        """A canvas on which every sample of a tile is ``factor`` samples along each side."""
        tiling = self.tiling.scaled(factor)
        rows, columns = (tiling.windows(factor * length) for length in self.size)
        self._fine = {(r.start // factor, c.start // factor): Cut(r, c) for r in rows for c in columns}
        self._canvas = part.new_zeros(*part.shape[:-2], factor * self.size[0], factor * self.size[1])

    @property
    def blended(self) -> Tensor:
        """The whole, once every tile was added."""
        assert self._canvas is not None
        return self._canvas


@lru_cache(maxsize=256)
def _windows(tiling: Tiling, length: int) -> tuple[Window, ...]:
    """The same at every evaluation of a sampling."""
    tents = [tiling.tent(start, min(start + tiling.side, length), length) for start in tiling.starts(length)]
    total = torch.zeros(length, dtype=torch.float64, device="cpu")
    for tent in tents:
        total[tent.start : tent.stop] += tent.weight
    return tuple(replace(tent, weight=(tent.weight / total[tent.start : tent.stop]).float()) for tent in tents)


def _overlap(windows: Sequence[Window]) -> bool:
    """Whether any two neighbors overlap: the last tile may, to end at the edge."""
    return any(a.stop > b.start for a, b in pairwise(windows))
