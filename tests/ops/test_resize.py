"""Resizing against MATLAB's, as basicsr re-implements it."""

import math

import pytest
import torch

from cfmrestore.ops.resize import enlarged_in_graph, infer_scale, resize


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 2, 3, 4, 0.7, 1.5])
def test_equal_to_matlab(scale: float) -> None:
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    from basicsr.utils.matlab_functions import imresize

    x = torch.rand(3, 30, 41, generator=torch.Generator().manual_seed(0))
    ours = resize(x[None].double(), scale=scale)[0]
    assert (ours - imresize(x, scale).double()).abs().max() < 1e-5


def test_lanczos_is_the_windowed_sinc() -> None:
    """Three times as large, the middle of every third pixel is the pixel; a slow sum for the others."""
    x = torch.rand(1, 3, 20, 1, dtype=torch.float64)
    ours = resize(x, size=(60, 1), kernel="lanczos")[0, :, :, 0]
    assert torch.allclose(ours[:, 1::3], x[0, :, :, 0])
    u = torch.tensor((30 + 0.5) / 3 - 0.5, dtype=torch.float64)
    j = torch.arange(20, dtype=torch.float64)
    weight = torch.sinc(u - j) * torch.sinc((u - j) / 3) * ((u - j).abs() < 3)
    assert torch.allclose(ours[:, 30], (x[0, :, :, 0] * weight).sum(1) / weight.sum())


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear", "area"])
@pytest.mark.parametrize("size", [(13, 55), (62, 20), (1, 1), (31, 40), (200, 3)])
def test_without_antialiasing_it_is_torchs(kernel: str, size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, 31, 40, dtype=torch.float64)
    keys = {} if kernel == "area" else {"align_corners": False}
    expected = torch.nn.functional.interpolate(x, size=size, mode=kernel, **keys)
    assert torch.allclose(resize(x, size=size, kernel=kernel, antialias=False), expected, atol=2e-6)
    single = resize(x.float(), size=size, kernel=kernel, antialias=False)
    assert single.dtype == torch.float32
    assert torch.allclose(single, expected.float(), atol=2e-6)
    wants_gradient = x.float().requires_grad_()
    resize(wants_gradient, size=size, kernel=kernel, antialias=False).sum().backward()
    assert wants_gradient.grad is not None


def test_lanczos_is_for_antialiasing() -> None:
    x, size = torch.rand(2, 3, 31, 40), (13, 55)
    with pytest.raises(ValueError, match="antialias=True"):
        resize(x, size=size, kernel="lanczos", antialias=False)


def imresize(x: torch.Tensor, scale: float) -> torch.Tensor:
    """MATLAB's ``contributions``, pixel by pixel along the rows of (c, h, w): wider by 1 / scale, mirrored."""
    n, width = x.shape[1], 4 / min(scale, 1)
    out = math.ceil(n * scale)
    result = torch.zeros(x.shape[0], out, x.shape[2], dtype=torch.float64)
    for i in range(1, out + 1):
        u = i / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        taps = range(left, left + math.ceil(width) + 2)
        weights = [cubic((u - j) * min(scale, 1)) for j in taps]
        for j, weight in zip(taps, weights, strict=True):
            k = (j - 1) % (2 * n)
            result[:, i - 1] += weight / sum(weights) * x[:, k if k < n else 2 * n - 1 - k]
    return result


def cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 2, 3, 4, 0.7, 1.5])
def test_equal_to_matlabs_definition(scale: float) -> None:
    x = torch.rand(3, 30, 41, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = imresize(imresize(x, scale).transpose(1, 2), scale).transpose(1, 2)
    assert (resize(x[None], scale=scale)[0] - expected).abs().max() < 1e-12
    assert (resize(x[None].float(), scale=scale)[0] - expected).abs().max() < 1e-6


def test_blocks_of_a_large_image_equal_the_whole() -> None:
    x = torch.rand(1, 3, 5, 1500, dtype=torch.float64)
    whole = resize(x, scale=2)
    assert torch.allclose(resize(x.transpose(-2, -1), scale=2).transpose(-2, -1), whole)
    assert whole.shape == (1, 3, 10, 3000)


def test_constants_stay_and_one_pixel_is_enough() -> None:
    assert torch.allclose(resize(torch.full((1, 3, 7, 5), 0.3), scale=0.4), torch.tensor(0.3))
    assert resize(torch.full((1, 3, 1, 1), 0.3), scale=4).shape == (1, 3, 4, 4)


def test_size_or_scale() -> None:
    assert resize(torch.rand(1, 3, 8, 8), size=(3, 20)).shape == (1, 3, 3, 20)
    for keys in ({}, {"scale": 2, "size": (1, 1)}, {"scale": 0}, {"scale": float("nan")}):
        with pytest.raises(ValueError, match="one of the two"):
            resize(torch.rand(1, 3, 8, 8), **keys)
    with pytest.raises(ValueError, match="unknown kernel 'cubic'"):
        resize(torch.rand(1, 3, 8, 8), scale=2, kernel="cubic")
    with pytest.raises(ValueError, match="needs a pixel"):
        resize(torch.rand(1, 3, 8, 8), size=(0, 4))


@pytest.mark.parametrize(
    ("size", "low", "scale"),
    [
        ((130, 197), (33, 50), 4),
        ((132, 200), (33, 50), 4),
        ((17, 18), (5, 5), 4),
        ((9, 12), (9, 12), 1),
        ((9, 9), (3, 3), 3),
        ((130, 197), (32, 49), None),
        ((40, 40), (10, 20), None),
        ((25, 25), (10, 10), None),
        ((5, 5), (10, 10), None),
    ],
)
def test_the_scale_follows_from_both_axes(size: tuple[int, int], low: tuple[int, int], scale: int | None) -> None:
    assert infer_scale(size, low) == scale


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (7, 9)])
def test_a_graph_of_any_size_enlarges_the_same(kernel: str, size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size, dtype=torch.float64)
    for scale in (1, 2, 3, 4):
        torch.testing.assert_close(enlarged_in_graph(x, scale, kernel), resize(x, scale=scale, kernel=kernel))
    for scale, wrong in ((1.5, kernel), (None, kernel), (2, "area")):
        with pytest.raises(ValueError, match="enlarges by whole factors alone"):
            enlarged_in_graph(x, scale, wrong)
