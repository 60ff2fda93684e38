"""Tiles: they cover, their weights sum to one, and a network that sees no farther than the context is unchanged."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from cfmrestore.ops.tiles import Cut, TileBlender, Tiling, count

LENGTHS = [1, 7, 8, 9, 31, 64, 100, 257]
TILINGS = [
    Tiling(8, 4),
    Tiling(16, 8, 4),
    Tiling(16, 0),
    Tiling(32, 1),
    Tiling(24, 23),
    Tiling(10, 3, 8),
    Tiling(512, 32),
]


def by_tiles(function: Callable[[Cut], torch.Tensor], size: tuple[int, int], tiling: Tiling) -> torch.Tensor:
    blender = TileBlender(size, tiling)
    for cut in blender.cuts:
        blender.add(cut, function(cut))
    return blender.blended


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("tiling", TILINGS, ids=str)
def test_windows_cover_an_axis_and_their_weights_sum_to_one(length: int, tiling: Tiling) -> None:
    total = torch.zeros(length)
    for window in tiling.windows(length):
        assert window.start % tiling.multiple == 0
        assert 0 < window.stop - window.start <= tiling.side
        assert (window.weight >= 0).all()
        total[window.start : window.stop] += window.weight
    assert torch.allclose(total, torch.ones(length), atol=1e-6)


@pytest.mark.parametrize("tiling", TILINGS, ids=str)
def test_neighbors_share_the_overlap(tiling: Tiling) -> None:
    windows = tiling.windows(257)
    for one, following in pairwise(windows):
        assert one.stop - following.start >= tiling.overlap


def test_what_lies_next_to_a_cut_counts_nothing() -> None:
    first, second, *_ = Tiling(16, 8).windows(64)
    assert (first.weight[-2:] == 0).all()
    assert (second.weight[:2] == 0).all()
    assert (first.weight[:8] == 1).all()


@pytest.mark.parametrize("size", [(5, 40), (64, 64), (33, 129)])
@pytest.mark.parametrize("side", [8, 16, 24, 64])
def test_a_convolution_is_the_same_by_tiles(size: tuple[int, int], side: int) -> None:
    x, kernel = torch.rand(2, 3, *size), torch.randn(3, 3, 3, 3)
    whole = F.conv2d(x, kernel, padding=1)
    tiled = by_tiles(lambda cut: F.conv2d(cut(x), kernel, padding=1), size, Tiling(side, side // 2))
    assert torch.allclose(tiled, whole, atol=1e-5)


def test_without_context_it_is_not() -> None:
    x, kernel = torch.rand(1, 3, 64, 64), torch.randn(3, 3, 3, 3)
    tiled = by_tiles(lambda cut: F.conv2d(cut(x), kernel, padding=1), (64, 64), Tiling(16, 0))
    assert not torch.allclose(tiled, F.conv2d(x, kernel, padding=1), atol=1e-2)


@pytest.mark.parametrize("overlap", [0, 8])
def test_results_may_be_larger_than_what_was_cut(overlap: int) -> None:
    x = torch.rand(1, 2, 37, 50)
    tiled = by_tiles(lambda cut: F.interpolate(cut(x), scale_factor=3), (37, 50), Tiling(16, overlap))
    assert torch.allclose(tiled, F.interpolate(x, scale_factor=3), atol=1e-6)


def test_a_cut_takes_the_same_place_of_a_larger_tensor() -> None:
    x = torch.arange(48 * 32.0).reshape(1, 1, 48, 32)
    cuts: list[Cut] = []
    by_tiles(lambda cut: cuts.append(cut) or cut(x, 4), (12, 8), Tiling(8, 4))
    assert torch.equal(cuts[-1](x, 4), x[..., 16:, :])
    assert len(cuts) == count((12, 8), Tiling(8, 4)) == 2


def test_an_overlap_as_large_as_the_tile_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap below"):
        Tiling(8, 8)
