"""MS-SSIM against a slow writing of its definition, and SSIM's two ways against each other."""

import importlib
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from cfmrestore.evaluation.functional import prepare
from cfmrestore.evaluation.functional.ms_ssim import ms_ssim
from cfmrestore.evaluation.functional.ssim import ssim, ssim_and_contrast

# The package exports functions under the names of these modules.
ms_ssim_module = importlib.import_module("cfmrestore.evaluation.functional.ms_ssim")
ssim_module = importlib.import_module("cfmrestore.evaluation.functional.ssim")


def pair(*size: int, share: float = 0.3) -> tuple[Tensor, Tensor]:
    i, j = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
    waves = 120 + 80 * torch.sin(i / 6) * torch.cos(j / 9) + 40 * (i > j)
    grain = torch.rand(2, 1, 1, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 255
    a, b = ((1 - s) * waves + s * g for s, g in zip((0.1, share), grain, strict=True))
    return a.round(), b.round()


def slow_ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Window by window over the whole 11x11 Gaussian."""
    u = np.arange(11) - 5
    window = np.exp(-(u[:, None] ** 2 + u**2) / (2 * 1.5**2))
    window /= window.sum()
    c_1, c_2, result = (0.01 * 255) ** 2, (0.03 * 255) ** 2, 1.0
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    for scale, weight in enumerate(weights):
        values = []
        for i, j in np.ndindex(a.shape[0] - 10, a.shape[1] - 10):
            p, q = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mu_p, mu_q = (window * p).sum(), (window * q).sum()
            var_p, var_q = (window * (p - mu_p) ** 2).sum(), (window * (q - mu_q) ** 2).sum()
            cov = (window * (p - mu_p) * (q - mu_q)).sum()
            value = (2 * cov + c_2) / (var_p + var_q + c_2)
            if scale == len(weights) - 1:
                value *= (2 * mu_p * mu_q + c_1) / (mu_p**2 + mu_q**2 + c_1)
            values.append(value)
        result *= max(0.0, float(np.mean(values))) ** weight
        a, b = (np.pad(x, [(0, n % 2) for n in x.shape], mode="edge") for x in (a, b))
        a, b = ((x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4 for x in (a, b))
    return result


def test_equal_to_a_slow_writing() -> None:
    a, b = pair(177, 190)
    assert math.isclose(float(ms_ssim(a, b)), slow_ms_ssim(a[0, 0].numpy(), b[0, 0].numpy()), rel_tol=1e-9)


def test_a_mutant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the weights shows."""
    a, b = pair(176, 180)
    right = float(ms_ssim(a, b))
    monkeypatch.setattr(ms_ssim_module, "_WEIGHTS", tuple(reversed(ms_ssim_module._WEIGHTS)))
    assert abs(float(ms_ssim(a, b)) - right) > 1e-3


def test_equal_images_order_scale_and_batch() -> None:
    a, b = pair(176, 180)
    assert math.isclose(float(ms_ssim(a, a)), 1.0, rel_tol=1e-12)
    assert torch.allclose(ms_ssim(a, b), ms_ssim(b, a), rtol=1e-12)
    assert torch.allclose(ms_ssim(a / 255, b / 255, peak=1), ms_ssim(a, b), rtol=1e-10)
    assert torch.allclose(ms_ssim(torch.cat([a, b]), torch.cat([b, b])), torch.cat([ms_ssim(a, b), ms_ssim(b, b)]))


def test_worse_with_noise_and_zero_where_structure_is_inverted() -> None:
    values = [float(ms_ssim(*pair(176, 180, share=share))) for share in (0.1, 0.2, 0.4, 0.8)]
    assert values == sorted(values, reverse=True)
    a, _ = pair(176, 180)
    assert float(ms_ssim(a, 255 - a)) == 0


def test_a_small_image_is_an_error() -> None:
    with pytest.raises(ValueError, match="176x176"):
        ms_ssim(*pair(175, 200))


@pytest.mark.parametrize("size", [(11, 11), (40, 57), (139, 75)])
def test_both_ways_of_ssim_are_equal(size: tuple[int, int]) -> None:
    a, b = (x.expand(2, 3, *size) * torch.tensor([1.0, 0.5, 0.2])[:, None, None] for x in pair(*size))
    slow = ssim_and_contrast(a.clone().requires_grad_(), b)
    assert slow[0].requires_grad
    for x, y in zip(ssim_and_contrast(a, b), slow, strict=True):
        assert torch.allclose(x, y.detach(), rtol=0, atol=1e-12)
    inverted = 255 - a
    slow_clamped = ssim(a.clone().requires_grad_(), inverted, clamped=True).detach()
    assert torch.allclose(ssim(a, inverted, clamped=True), slow_clamped, rtol=0, atol=1e-12)
    assert (slow_clamped >= 0).all()
    assert (slow_clamped > ssim(a, inverted)).all()


def test_ssim_of_luma_is_basicsrs() -> None:
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    from basicsr.metrics.psnr_ssim import calculate_ssim

    for size in ((70, 90), (150, 64)):
        levels = pair(*size)
        a, b = (prepare((x / 255).clamp(0, 1).expand(1, 3, *size), channel="y", border=4) for x in levels)
        expected = calculate_ssim(a[0, 0].numpy(), b[0, 0].numpy(), crop_border=0)
        assert math.isclose(float(ssim(a, b)), expected, abs_tol=1e-9)


def test_ssim_does_not_depend_on_stripes(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = pair(100, 60)
    whole = ssim(a, b)
    monkeypatch.setattr(ssim_module, "_STRIPE", 7)
    assert torch.allclose(ssim(a, b), whole, rtol=1e-12)
