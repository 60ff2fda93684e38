"""GMSD and HaarPSI against slow writings of their definitions."""

import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.evaluation.functional.gmsd import gmsd
from cfmrestore.evaluation.functional.haarpsi import haarpsi

# The package exports functions under the names of these modules.
gmsd_module = importlib.import_module("cfmrestore.evaluation.functional.gmsd")
haarpsi_module = importlib.import_module("cfmrestore.evaluation.functional.haarpsi")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 255).round()


def scene(channels: int, side: int = 64) -> Tensor:
    """Smooth waves, an edge and a little texture."""
    i, j = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    waves = 110 + 50 * torch.sin(i / 5) * torch.cos(j / 7) + 60 * (i + 2 * j > 90)
    shades = torch.linspace(1, 0.6, channels).reshape(1, -1, 1, 1)
    return (waves.double() * shades + (noise(1, channels, side, side) - 127) / 20).clamp(0, 255).round()


def at(x: np.ndarray, i: int, j: int) -> float:
    """Zeros lie beyond the edge."""
    return float(x[i, j]) if 0 <= i < x.shape[0] and 0 <= j < x.shape[1] else 0.0


def slow_half(x: np.ndarray) -> np.ndarray:
    rows, columns = range(0, x.shape[0], 2), range(0, x.shape[1], 2)
    return np.array([[sum(at(x, i + k, j + n) for k in (0, 1) for n in (0, 1)) / 4 for j in columns] for i in rows])


def slow_gmsd(a: np.ndarray, b: np.ndarray) -> float:
    a, b = slow_half(a), slow_half(b)

    def magnitude(x: np.ndarray, i: int, j: int) -> float:
        across = sum(at(x, i + k, j + 1) - at(x, i + k, j - 1) for k in (-1, 0, 1)) / 3
        down = sum(at(x, i + 1, j + k) - at(x, i - 1, j + k) for k in (-1, 0, 1)) / 3
        return math.hypot(across, down)

    values = []
    for i, j in np.ndindex(*a.shape):
        m, n = magnitude(a, i, j), magnitude(b, i, j)
        values.append((2 * m * n + 170) / (m * m + n * n + 170))
    middle = sum(values) / len(values)
    return math.sqrt(sum((v - middle) ** 2 for v in values) / (len(values) - 1))


def slow_haarpsi(a: np.ndarray, b: np.ndarray) -> float:
    """Of (c, h, w), by loops over pixels."""

    def yiq(x: np.ndarray) -> list[np.ndarray]:
        if len(x) == 1:
            return [slow_half(x[0])]
        red, green, blue = x
        y = 0.299 * red + 0.587 * green + 0.114 * blue
        i = 0.596 * red - 0.274 * green - 0.322 * blue
        q = 0.211 * red - 0.523 * green + 0.312 * blue
        return [slow_half(part) for part in (y, i, q)]

    def coefficient(x: np.ndarray, i: int, j: int, scale: int, flip: bool) -> float:
        half, total = 2 ** (scale - 1), 0.0
        for k in range(1 - half, half + 1):
            for n in range(1 - half, half + 1):
                total += (1 if (n if flip else k) <= 0 else -1) * at(x, i + k, j + n)
        return abs(total) / 2**scale

    def similar(s: float, t: float) -> float:
        return (2 * s * t + 30) / (s * s + t * t + 30)

    def squash(s: float) -> float:
        return 1 / (1 + math.exp(-4.2 * s))

    p, q = yiq(a), yiq(b)
    above = below = 0.0
    for i, j in np.ndindex(*p[0].shape):
        weights = []
        for flip in (False, True):
            fine = [similar(*(coefficient(x[0], i, j, scale, flip) for x in (p, q))) for scale in (1, 2)]
            weights.append(max(coefficient(x[0], i, j, 3, flip) for x in (p, q)))
            above += squash(sum(fine) / 2) * weights[-1]
            below += weights[-1]
        if len(p) == 3:
            means = [
                [abs(sum(at(x[n], i + k, j + m) for k in (0, 1) for m in (0, 1)) / 4) for x in (p, q)] for n in (1, 2)
            ]
            above += squash(sum(similar(*pair) for pair in means) / 2) * sum(weights) / 2
            below += sum(weights) / 2
    share = above / below
    return (math.log(share / (1 - share)) / 4.2) ** 2


@pytest.mark.parametrize("size", [(12, 16), (13, 11)])
def test_gmsd_is_its_definition(size: tuple[int, int]) -> None:
    a, b = noise(2, 1, *size), noise(2, 1, *size, seed=1)
    expected = [slow_gmsd(x[0].numpy(), y[0].numpy()) for x, y in zip(a, b, strict=True)]
    assert gmsd(a, b).tolist() == pytest.approx(expected, rel=1e-12)
    assert torch.allclose(gmsd(a / 255, b / 255, peak=1), gmsd(a, b), rtol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(12, 16), (13, 11)])
def test_haarpsi_is_its_definition(channels: int, size: tuple[int, int]) -> None:
    a, b = noise(2, channels, *size), noise(2, channels, *size, seed=1)
    expected = [slow_haarpsi(x.numpy(), y.numpy()) for x, y in zip(a, b, strict=True)]
    assert haarpsi(a, b).tolist() == pytest.approx(expected, rel=1e-10)
    assert torch.allclose(haarpsi(a / 255, b / 255, peak=1), haarpsi(a, b), rtol=1e-10)


def test_gmsd_of_a_line_beside_nothing() -> None:
    """Black against a white line that is one pixel wide when halved: the gradients are known by hand."""
    a = torch.zeros(1, 1, 8, 8)
    b = a.clone()
    b[..., 4:6] = 255
    # Beside the line the gradient across is 255, at the first and last row two thirds of it, and down a third there;
    # on the line only the gradient down is left, a third of 255 at the first and last row.
    third = 255**2 / 9
    ends, middle = [0, 5 * third, third, 5 * third], [0, 9 * third, 0, 9 * third]
    values = torch.tensor([170 / (s + 170) for s in [*ends, *middle, *middle, *ends]], dtype=torch.float64)
    assert math.isclose(float(gmsd(a, b)), float(values.std()), rel_tol=1e-12)


METRICS: list[tuple[Callable[..., Tensor], int, float]] = [(gmsd, 1, 0.0), (haarpsi, 1, 1.0), (haarpsi, 3, 1.0)]


@pytest.mark.parametrize(("metric", "channels", "best"), METRICS)
def test_equal_images_order_and_batch(metric: Callable[..., Tensor], channels: int, best: float) -> None:
    a, b = scene(channels), (scene(channels) + 0.3 * (noise(1, channels, 64, 64, seed=2) - 127)).clamp(0, 255)
    assert math.isclose(float(metric(a, a)), best, abs_tol=1e-12)
    assert torch.allclose(metric(a, b), metric(b, a), rtol=1e-12)
    both = metric(torch.cat([a, b]), torch.cat([b, b]))
    assert both.dtype == torch.float64
    assert both.tolist() == pytest.approx([float(metric(a, b)), best], abs=1e-12)


@pytest.mark.parametrize(("metric", "channels", "best"), METRICS)
def test_worse_with_noise_and_with_blur(metric: Callable[..., Tensor], channels: int, best: float) -> None:
    a, grain = scene(channels), noise(1, channels, 64, 64, seed=3) - 127
    noisy = [a + strength * grain for strength in (0.05, 0.1, 0.2, 0.4)]
    blurred = [F.avg_pool2d(F.pad(a, (k,) * 4, mode="replicate"), 2 * k + 1, stride=1) for k in (1, 2, 3)]
    for row in (noisy, blurred):
        losses = [abs(float(metric(a, x)) - best) for x in row]
        assert losses == sorted(losses)
        assert losses[0] > 1e-4


def test_black_images_are_equal() -> None:
    x = torch.zeros(1, 1, 16, 16)
    assert float(haarpsi(x, x)) == 1
    assert float(gmsd(x, x)) == 0


def test_errors() -> None:
    with pytest.raises(ValueError, match="4x4"):
        gmsd(noise(1, 1, 3, 8), noise(1, 1, 3, 8))
    with pytest.raises(ValueError, match="one channel"):
        haarpsi(noise(1, 2, 8, 8), noise(1, 2, 8, 8))


def test_a_mutant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sobel for Prewitt, and another constant, are told from the definitions."""
    a, b = noise(1, 1, 12, 16), noise(1, 1, 12, 16, seed=1)
    monkeypatch.setattr(gmsd_module, "_PREWITT", ((0.75, 0.0, -0.75), (1.5, 0.0, -1.5), (0.75, 0.0, -0.75)))
    assert abs(float(gmsd(a, b)) - slow_gmsd(a[0, 0].numpy(), b[0, 0].numpy())) > 1e-3
    monkeypatch.setattr(haarpsi_module, "_C", 33.0)
    assert abs(float(haarpsi(a, b)) - slow_haarpsi(a[0].numpy(), b[0].numpy())) > 1e-5
