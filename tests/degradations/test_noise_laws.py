"""Shares and variances of noise."""

import math

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.noise.correlated_noise import CorrelatedNoise
from cfmrestore.degradations.noise.gaussian_noise import GaussianNoise, NoiseParams
from cfmrestore.degradations.noise.salt_and_pepper import SaltAndPepper
from cfmrestore.degradations.noise.speckle_noise import SpeckleNoise
from cfmrestore.ops.rng import ImageRng


def flat(value: float, side: int = 256) -> Tensor:
    return torch.full((1, 3, side, side), value)


@pytest.mark.parametrize(("share", "salt"), [(0.1, 0.5), (0.3, 0.2), (0.05, 0.0), (1.0, 1.0), (0.0, 0.5)])
@pytest.mark.parametrize("gray", [0.0, 1.0])
def test_shares_of_salt_and_of_pepper(share: float, salt: float, gray: float) -> None:
    x = flat(0.3)
    y = SaltAndPepper(share=(share, share), salt=(salt, salt), gray_probability=gray)(x, ImageRng([1]))
    draws = 256 * 256 * (1 if gray else 3)
    for value, expected in ((1.0, share * salt), (0.0, share * (1 - salt))):
        found = float((y == value).float().mean())
        assert found == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / draws) + 1e-7)
    kept = (y != 0) & (y != 1)
    assert torch.equal(y[kept], x[kept])
    assert kept.float().mean() == pytest.approx(1 - share, abs=0.01)


def test_whole_pixels_or_each_channel_by_itself() -> None:
    x = flat(0.3)
    whole = SaltAndPepper(share=(0.2, 0.2), gray_probability=1)(x, ImageRng([1]))
    assert torch.equal(whole, whole[:, :1].expand_as(whole))
    single = SaltAndPepper(share=(0.2, 0.2), gray_probability=0)(x, ImageRng([1])) != 0.3
    both = float((single[:, 0] & single[:, 1]).float().mean())
    assert both == pytest.approx(0.04, abs=0.005)


def test_shares_are_drawn_for_each_image() -> None:
    x = flat(0.3, 64).expand(100, -1, -1, -1)
    y = SaltAndPepper(share=(0.1, 0.5), gray_probability=0)(x, ImageRng(range(100)))
    shares = (y != 0.3).float().mean(dim=(1, 2, 3))
    assert 0.08 < shares.min() < 0.15
    assert 0.45 < shares.max() < 0.52
    assert shares.mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("radius", [0.8, 1.5])
def test_correlated_noise_has_its_deviation_and_correlations(radius: float) -> None:
    degrade = CorrelatedNoise(sigma=(5.1, 5.1), radius=(radius, radius))
    error = degrade(flat(0.5, 512), ImageRng([1]))[0].double() - 0.5
    assert float(error.std()) == pytest.approx(0.02, rel=0.02)
    for d in (1, 2, 3):
        for a, b in ((error[:, d:], error[:, :-d]), (error[..., d:], error[..., :-d])):
            found = float((a * b).mean() / error.square().mean())
            assert found == pytest.approx(math.exp(-(d**2) / (4 * radius**2)), abs=0.02)
    channels = torch.corrcoef(error.flatten(1))
    assert float((channels - torch.eye(3)).abs().max()) < 0.02


def check_speckle(noise: GaussianNoise) -> None:
    """The standard deviation is proportional to the brightness, and the mean stays."""
    for value in (0.0, 0.25, 1.0):
        error = noise(flat(value), ImageRng([1])) - value
        assert error.std() == pytest.approx(0.1 * value, rel=0.01, abs=1e-7)
        assert error.mean() == pytest.approx(0, abs=4 * 0.1 * value / math.sqrt(error.numel()) + 1e-7)


def test_speckle_is_proportional_to_the_brightness() -> None:
    check_speckle(SpeckleNoise(sigma=(25.5, 25.5)))


class RootSpeckle(SpeckleNoise):
    """The noise of photons instead."""

    def apply(self, image: Tensor, params: NoiseParams) -> Tensor:
        return image + image.sqrt() * GaussianNoise().apply(torch.zeros_like(image), params)


@pytest.mark.parametrize("mutant", [RootSpeckle, GaussianNoise])
def test_the_check_of_speckle_rejects_its_mutants(mutant: type[GaussianNoise]) -> None:
    with pytest.raises(AssertionError):
        check_speckle(mutant(sigma=(25.5, 25.5)))


def test_gray_speckle_scales_whole_pixels() -> None:
    x = torch.tensor([0.2, 0.5, 0.8])[None, :, None, None].expand(1, 3, 32, 32)
    ratio = SpeckleNoise(sigma=(25.5, 25.5), gray_probability=1)(x, ImageRng([1])) / x
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), atol=1e-5)
    assert ratio.std() > 0.05


@pytest.mark.parametrize(
    ("cls", "keys", "message"),
    [
        (SaltAndPepper, {"share": (0.2, 1.2)}, "share must be two rising numbers from 0 to 1"),
        (SaltAndPepper, {"salt": (0.6, 0.4)}, "salt must be two rising numbers"),
        (SaltAndPepper, {"gray_probability": 2}, "gray_probability must be a number from 0 to 1; got 2"),
        (SpeckleNoise, {"sigma": (-1, 5)}, "sigma must be two rising numbers"),
    ],
)
def test_bad_keys(cls: type, keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**keys)
