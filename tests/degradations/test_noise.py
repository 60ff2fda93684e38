"""Gaussian and Poisson noise: their laws."""

import pytest
import torch

from cfmrestore.degradations import GaussianNoise, PoissonNoise
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame


def test_gaussian_noise_has_its_standard_deviation_and_gray_is_gray() -> None:
    x = torch.full((2, 3, 128, 128), 0.5)
    noise = GaussianNoise(sigma=(25.5, 25.5))
    assert torch.allclose((noise(x, ImageRng([1, 2])) - x).std(), torch.tensor(0.1), atol=1e-3)
    gray = GaussianNoise(sigma=(25.5, 25.5), gray_probability=1.0)(x, ImageRng([1, 2]))
    assert torch.equal(gray[:, 0], gray[:, 1])


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_poisson_noise_has_the_variance_of_counts(scale: float) -> None:
    """Var = s^2 x / n, where n is the number of values in the image, rounded up to a power of two."""
    levels = torch.tensor([10, 60, 200]).float() / 255
    x = levels.repeat_interleave(40).repeat(120, 1).expand(1, 3, 120, 120)
    noise = PoissonNoise(scale=(scale, scale))(x, ImageRng([3])) - x
    for i, level in enumerate(levels.tolist()):
        part = noise[..., 40 * i : 40 * (i + 1)]
        assert float(part.var()) == pytest.approx(scale**2 * level / 4, rel=0.06)
        assert float(part.mean()) == pytest.approx(0, abs=4 * (float(part.var()) / part.numel()) ** 0.5)


def test_poisson_noise_equals_basicsrs_law() -> None:
    """The same quantiles on a photograph's range of values, drawn independently."""
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    from basicsr.data.degradations import generate_poisson_noise_pt

    torch.manual_seed(0)
    x = torch.rand(1, 3, 256, 256) * 0.9
    for gray in (False, True):
        operator = PoissonNoise(scale=(1, 1), gray_probability=float(gray))
        ours = operator(x, ImageRng([1])) - x
        theirs = generate_poisson_noise_pt(x, 1.0, float(gray))
        q = torch.linspace(0.01, 0.99, 25)
        a, b = (torch.quantile(noise.flatten()[:150_000], q) for noise in (ours, theirs))
        assert (a - b).abs().max() < 0.003
        assert torch.allclose((ours - ours[:, :1]).abs().max(), torch.tensor(0.0), atol=1e-6) == gray


def test_black_stays_black_and_flat_images_work() -> None:
    assert torch.equal(PoissonNoise()(torch.zeros(1, 3, 8, 8), ImageRng([1])), torch.zeros(1, 3, 8, 8))
    assert PoissonNoise(scale=(1, 1))(torch.ones(1, 3, 1, 1), ImageRng([1])).isfinite().all()


def test_photons_that_were_drawn() -> None:
    """The peak n lies in its range, evenly in the logarithm, and the variance of the noise is x / n."""
    x = torch.full((1, 3, 300, 300), 102 / 255)
    noise = PoissonNoise(scale=(1, 1), peak=(1000, 1000))(x, ImageRng([5])) - x
    assert float(noise.mean()) == pytest.approx(0, abs=1e-4)
    assert float(noise.var()) == pytest.approx(0.4 / 1000, rel=0.02)
    operator = PoissonNoise(peak=(1e2, 1e4))
    peak = operator.sample(Frame((8, 8), (8, 8)), ImageRng(range(4000))).peak.log10()
    assert 2 <= peak.min() < 2.01
    assert 3.99 < peak.max() <= 4.0001
    assert float(peak.mean()) == pytest.approx(3, abs=0.03)
    with pytest.raises(ValueError, match="peak must be two rising numbers from 1"):
        PoissonNoise(peak=(0, 10))
