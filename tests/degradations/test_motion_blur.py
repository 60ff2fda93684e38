"""Kernels of motion have the moments of the path that they draw."""

import math

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.blur.motion_blur import MotionBlur, MotionParams
from cfmrestore.ops.kernels import shake
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame

FRAME = Frame((8, 8), (8, 8))


def moments(kernels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of (x, y), from the middle."""
    u = torch.arange(kernels.shape[-1], dtype=torch.float64) - kernels.shape[-1] // 2
    y, x = torch.meshgrid(u, u, indexing="ij")
    place = torch.stack([x, y], dim=-1).reshape(-1, 2)
    weight = kernels.reshape(len(kernels), -1)
    return weight @ place, torch.einsum("bn,ni,nj->bij", weight, place, place)


def straight(length: float, angle: float, high: float = 20.0) -> Tensor:
    nothing = torch.zeros(1)
    params = MotionParams(torch.tensor([length]), torch.tensor([angle]), nothing, nothing.long())
    return MotionBlur(length=(0, high)).kernels(params)


@pytest.mark.parametrize("length", [3.0, 15.0, 20.0])
def test_a_straight_line_has_its_variance_along_it_and_none_across(length: float) -> None:
    _, ((along, mixed), (_, across)) = (moment[0] for moment in moments(straight(length, 0.0)))
    assert math.isclose(along, length**2 / 12 + 1 / 6, abs_tol=0.01)  # 1/6 is of the bilinear share
    assert across == 0
    assert mixed == 0


def test_angles_turn_the_line() -> None:
    flat, steep = straight(15.0, 0.0)[0], straight(15.0, math.pi / 2)[0]
    assert torch.allclose(steep, flat.T, atol=1e-6)
    _, covariance = moments(straight(18.0, math.pi / 4))
    assert math.isclose(covariance[0, 0, 1], 18**2 / 24, rel_tol=1e-3)


def test_no_length_is_no_blur() -> None:
    x = torch.rand(2, 3, 9, 9)
    assert torch.equal(MotionBlur(length=(0, 0))(x, ImageRng([1, 2])), x)


@pytest.mark.parametrize("curvature", [0.0, 1.0, 6.0])
def test_kernels_sum_to_one_about_their_mean(curvature: float) -> None:
    blur = MotionBlur(length=(0, 25), curvature=(curvature, curvature))
    kernels = blur.kernels(blur.sample(FRAME, ImageRng(range(100))))
    one = torch.ones(100, dtype=torch.float64)
    assert kernels.shape[-1] % 2 == 1
    assert kernels.min() >= 0
    assert torch.allclose(kernels.sum(dim=(1, 2)), one)
    assert torch.allclose(moments(kernels)[0], torch.zeros(100, 2, dtype=torch.float64), atol=1e-9)


def test_the_longest_path_fits_its_kernel() -> None:
    for high in (1.0, 23.9, 24.0, 25.0):
        kernel = straight(high, 0.0, high)[0]
        row = kernel[len(kernel) // 2]
        assert (moments(kernel[None])[1][0, 0, 0] - high**2 / 12 - 1 / 6).abs() < 0.1
        assert (row > 0).sum() >= len(row) - 2


def test_paths_have_their_length_and_direction_changes_by_the_curvature() -> None:
    n, turns = 256, []
    for normal in ImageRng(range(500)).normal(n):
        points = shake(12.0, 0.4, 0.3, normal)
        steps = points.diff(dim=0)
        assert math.isclose(steps.norm(dim=1).sum(), 12.0 * (n - 1) / n, rel_tol=1e-9)
        theta = torch.atan2(steps[:, 1], steps[:, 0])
        assert math.isclose(theta.mean(), 0.4, abs_tol=0.01)
        turns.append(float(theta[-1] - theta[0]))
    assert math.isclose(torch.tensor(turns).std(), 0.3, rel_tol=0.1)


def test_a_point_of_light_shows_the_kernel() -> None:
    x = torch.zeros(1, 3, 41, 41)
    x[..., 20, 20] = 1
    blur = MotionBlur(length=(20, 20))
    params = blur.draw(x, ImageRng([3]))
    (kernel,) = blur.kernels(params)
    margin = 20 - len(kernel) // 2
    seen = blur.apply(x, params)[0, 0, margin:-margin, margin:-margin]
    assert torch.allclose(seen.flip(0, 1), kernel.float(), atol=1e-6)


@pytest.mark.parametrize("keys", [{"length": (5, 3)}, {"length": (-1, 3)}, {"curvature": (0, -1)}])
def test_bad_ranges(keys: dict) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(keys))} must be two rising numbers"):
        MotionBlur(**keys)
