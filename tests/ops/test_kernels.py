"""Blur kernels: their sums, their variances, and basicsr's values."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from cfmrestore._compat import patch_torchvision
from cfmrestore.ops import kernels as K

SIGMA = torch.tensor([[1.3, 2.7], [2.0, 2.0], [0.4, 3.0]], dtype=torch.float64)
THETA = torch.tensor([0.6, 0.0, -2.1], dtype=torch.float64)
BETA = torch.tensor([0.5, 1.0, 3.3], dtype=torch.float64)


def all_kernels(size: int) -> dict[str, Tensor]:
    return {
        "gaussian": K.gaussian_kernels(SIGMA, THETA, size),
        "generalized": K.generalized_kernels(SIGMA, THETA, BETA, size),
        "plateau": K.plateau_kernels(SIGMA, THETA, BETA, size),
        "sinc": K.sinc_kernels(torch.tensor([1.0, 2.0, 3.1], dtype=torch.float64), size),
        "disc": K.disc_kernels(torch.tensor([0.0, 2.5, 6.0], dtype=torch.float64), size),
    }


def check_sums(kernels: Tensor) -> None:
    assert torch.allclose(kernels.sum((1, 2)), torch.ones(len(kernels), dtype=torch.float64))


@pytest.mark.parametrize("name", all_kernels(7))
def test_kernels_sum_to_one(name: str) -> None:
    kernels = all_kernels(21)[name]
    check_sums(kernels)
    with pytest.raises(AssertionError):
        check_sums(kernels * (torch.arange(21) > 9))  # cut, and not normalized again


def test_kernels_of_a_side_each() -> None:
    made = K.of_sides(K.gaussian_kernels, torch.tensor([7, 13, 11]), SIGMA, THETA)
    check_sums(made)
    assert made.shape == (3, 13, 13)
    assert made[0, :3].abs().max() == 0
    assert torch.equal(made[0, 3:10, 3:10], K.gaussian_kernels(SIGMA[:1], THETA[:1], 7)[0])
    assert torch.equal(made[1], K.gaussian_kernels(SIGMA[1:2], THETA[1:2], 13)[0])


def test_gaussians_have_the_variances_that_were_asked_for() -> None:
    kernels = K.gaussian_kernels(SIGMA, torch.zeros(3, dtype=torch.float64), 61)
    u = torch.arange(61, dtype=torch.float64) - 30
    variances = torch.stack([(kernels.sum(1) * u**2).sum(1), (kernels.sum(2) * u**2).sum(1)], dim=1)
    # sampled at whole pixels, a Gaussian narrower than half a pixel is narrower still
    assert torch.allclose(variances[:2], SIGMA[:2] ** 2, rtol=1e-6)
    turned = K.gaussian_kernels(SIGMA, torch.full((3,), math.pi / 2, dtype=torch.float64), 61)
    assert torch.allclose(turned, kernels.transpose(1, 2))


def test_a_disc_has_the_variance_of_a_disc() -> None:
    kernel = K.disc_kernels(torch.tensor([12.0], dtype=torch.float64), 41)[0]
    u = torch.arange(41, dtype=torch.float64) - 20
    assert float((kernel.sum(0) * u**2).sum()) == pytest.approx(12**2 / 4, rel=0.01)


def test_a_sinc_passes_what_is_below_its_cutoff() -> None:
    """Its transform is a disc of radius omega: 1 inside, 0 outside, but for the ringing of the cut."""
    kernel = K.sinc_kernels(torch.tensor([math.pi / 2], dtype=torch.float64), 201)[0]
    spectrum = torch.fft.fft2(kernel).abs()
    frequency = torch.fft.fftfreq(201, dtype=torch.float64) * 2 * math.pi
    radius = (frequency[:, None] ** 2 + frequency**2).sqrt()
    assert (spectrum[radius < 0.4 * math.pi] - 1).abs().max() < 0.05
    assert spectrum[radius > 0.6 * math.pi].max() < 0.05


def test_kernels_equal_basicsr() -> None:
    patch_torchvision()
    from basicsr.data import degradations as theirs

    for size in (7, 21):
        kernels = all_kernels(size)
        for i, ((s_1, s_2), theta, beta) in enumerate(zip(SIGMA.tolist(), THETA.tolist(), BETA.tolist(), strict=True)):
            expected = {
                "gaussian": theirs.bivariate_Gaussian(size, s_1, s_2, theta, isotropic=False),
                "generalized": theirs.bivariate_generalized_Gaussian(size, s_1, s_2, theta, beta, isotropic=False),
                "plateau": theirs.bivariate_plateau(size, s_1, s_2, theta, beta, isotropic=False),
                "sinc": theirs.circular_lowpass_kernel([1.0, 2.0, 3.1][i], size),
            }
            for name, kernel in expected.items():
                assert np.abs(kernels[name][i].numpy() - kernel).max() < 1e-6, (name, size, i)
    padded = theirs.circular_lowpass_kernel(2.0, 9, pad_to=21)
    ours = K.of_sides(K.sinc_kernels, torch.tensor([9, 21]), torch.tensor([2.0, 1.0], dtype=torch.float64))
    assert np.abs(ours[0].numpy() - padded).max() < 1e-6
