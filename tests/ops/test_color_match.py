"""Giving a restored image the colors of its input."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from cfmrestore.ops.color_match import match_colors
from cfmrestore.ops.resize import resize


@pytest.fixture
def low() -> torch.Tensor:
    return 0.2 + 0.6 * resize(torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0)), scale=5).clamp(0, 1)


@pytest.mark.parametrize("mode", ["mean", "wavelet", "adain"])
def test_a_shift_of_color_is_undone(low: torch.Tensor, mode: str) -> None:
    detail = 0.02 * torch.randn(1, 3, 120, 160, generator=torch.Generator().manual_seed(1))
    restored = resize(low, scale=4) + detail
    shifted = (restored + torch.tensor([0.1, -0.05, 0.02])[:, None, None]).clamp(0, 1)
    matched = match_colors(shifted, low, mode)
    assert (matched.mean((2, 3)) - low.mean((2, 3))).abs().max() < 2e-3
    assert (matched - restored).abs().mean() < 0.01 < (shifted - restored).abs().mean()


def test_wavelets_keep_fine_detail_and_take_what_is_coarse(low: torch.Tensor) -> None:
    fine = 0.05 * torch.tensor([1.0, -1.0]).repeat(60)[:, None] * torch.tensor([1.0, -1.0]).repeat(80)
    image, enlarged = (0.5 + fine).expand(1, 3, -1, -1), resize(low, scale=4)
    matched = match_colors(image, low, "wavelet")
    before, after = (avg_pool2d(x - enlarged, 40).abs().mean() for x in (image, matched))
    assert after < before / 3
    assert torch.allclose((matched - matched.roll(1, 3))[..., 1:].abs().mean(), torch.tensor(0.1), atol=0.01)


def test_adain_takes_mean_and_deviation(low: torch.Tensor) -> None:
    matched = match_colors(0.5 + 0.1 * torch.rand(1, 3, 60, 80), low, "adain")
    assert torch.allclose(matched.mean((2, 3)), low.mean((2, 3)), atol=5e-3)
    assert torch.allclose(matched.std((2, 3)), low.std((2, 3)), atol=2e-2)


def test_a_flat_image_stays_finite(low: torch.Tensor) -> None:
    for mode in ("mean", "wavelet", "adain"):
        assert match_colors(torch.full((1, 3, 120, 160), 0.5), low, mode).isfinite().all()


def test_none_is_none_and_an_unknown_mode_is_named(low: torch.Tensor) -> None:
    image = torch.rand(1, 3, 120, 160)
    assert match_colors(image, low, "none") is image
    with pytest.raises(ValueError, match="unknown color correction 'lab'"):
        match_colors(image, low, "lab")
