"""Protocols: each against an independent writing of its definition."""

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from cfmrestore._compat import patch_torchvision
from cfmrestore.evaluation.protocols import PROTOCOLS, find_protocol

SCALE = 3


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two 8-bit images, the second near the first, with places where contrasts are inverted."""
    rng = np.random.default_rng(0)
    a = np.kron(rng.integers(0, 256, (10, 9, 3)), np.ones((4, 5, 1))).astype(np.int64)
    b = np.clip(a + rng.integers(-30, 31, a.shape), 0, 255)
    b[:20, :20] = 255 - b[:20, :20]
    return a.astype(np.uint8), b.astype(np.uint8)


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def luma(pixels: np.ndarray) -> np.ndarray:
    return 16 + pixels.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255


def ssim(a: np.ndarray, b: np.ndarray, clamped: bool) -> float:
    u = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(u, u) / u.sum() ** 2

    def mean(x: np.ndarray) -> np.ndarray:
        return np.einsum("ijkl,kl->ij", sliding_window_view(x, (11, 11)), window)

    c_1, c_2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mu_a, mu_b = mean(a), mean(b)
    structure = (2 * (mean(a * b) - mu_a * mu_b) + c_2) / (mean(a * a) + mean(b * b) - mu_a**2 - mu_b**2 + c_2)
    structure = np.maximum(structure, 0) if clamped else structure
    return float(((2 * mu_a * mu_b + c_1) / (mu_a**2 + mu_b**2 + c_1) * structure).mean())


def cut(x: np.ndarray) -> np.ndarray:
    return x[SCALE:-SCALE, SCALE:-SCALE]


def test_pyiqa_y() -> None:
    """PSNR of Y in floats with 1e-8 beside the error; SSIM of rounded Y, its second factor from zero; no border."""
    a, b = pair()
    protocol = find_protocol("pyiqa_y")
    mse = (((luma(a) - luma(b)) / 255) ** 2).mean()
    assert float(protocol.psnr(tensor(a), tensor(b))) == pytest.approx(10 * np.log10(1 / (mse + 1e-8)), abs=1e-5)
    expected = ssim(np.round(luma(a)), np.round(luma(b)), clamped=True)
    assert float(protocol.ssim(tensor(a), tensor(b))) == pytest.approx(expected, abs=1e-9)
    assert abs(expected - ssim(np.round(luma(a)), np.round(luma(b)), clamped=False)) > 1e-3
    assert float(protocol.psnr(tensor(a), tensor(a))) == pytest.approx(80)


def test_classic_y() -> None:
    a, b = pair()
    x, y = cut(np.round(luma(a))), cut(np.round(luma(b)))
    protocol = find_protocol("classic_y")
    expected = 10 * np.log10(255**2 / ((x - y) ** 2).mean())
    assert float(protocol.psnr(tensor(a), tensor(b), SCALE)) == pytest.approx(expected, abs=1e-9)
    assert float(protocol.ssim(tensor(a), tensor(b), SCALE)) == pytest.approx(ssim(x, y, clamped=False), abs=1e-9)


@pytest.mark.parametrize(("name", "y", "border"), [("basicsr_y", True, SCALE), ("rgb", False, 0)])
def test_equal_to_basicsr(name: str, y: bool, border: int) -> None:
    patch_torchvision()
    from basicsr.metrics.psnr_ssim import calculate_psnr, calculate_ssim

    a, b = pair()
    keys = {"crop_border": border, "test_y_channel": y}
    protocol = find_protocol(name)
    bgr = [x[..., ::-1].astype(np.float64) for x in (a, b)]
    assert float(protocol.psnr(tensor(a), tensor(b), SCALE)) == pytest.approx(calculate_psnr(*bgr, **keys), abs=1e-4)
    assert float(protocol.ssim(tensor(a), tensor(b), SCALE)) == pytest.approx(calculate_ssim(*bgr, **keys), abs=1e-6)


def test_all_protocols_differ() -> None:
    a, b = (tensor(x) for x in pair())
    numbers = {(float(p.psnr(a, b, SCALE)), float(p.ssim(a, b, SCALE))) for p in PROTOCOLS.values()}
    assert len(numbers) == len(PROTOCOLS)


def test_a_border_needs_the_scale_and_names_are_checked() -> None:
    a, b = (tensor(x) for x in pair())
    with pytest.raises(ValueError, match="'classic_y' cuts a border of as many pixels as the scale: give the scale"):
        find_protocol("classic_y").psnr(a, b)
    with pytest.raises(ValueError, match="no protocol 'pyiqa'; did you mean 'pyiqa_y'"):
        find_protocol("pyiqa")
