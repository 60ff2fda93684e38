"""Filtering: the ways that are fast give what the plain sum gives."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore._compat import patch_torchvision
from cfmrestore.ops.filters import filter_each
from cfmrestore.ops.kernels import gaussian_kernels, plateau_kernels


def kernels_of(kind: str, side: int) -> Tensor:
    if kind == "random":
        kernels = torch.rand(2, side, side, dtype=torch.float64)
        return kernels / kernels.sum((1, 2), keepdim=True)
    sigma, theta = (
        torch.tensor([[side / 7, side / 7], [side / 9, side / 4]]).double(),
        torch.tensor([0.3, 0.8]).double(),
    )
    if kind == "gaussian":  # the first is a product of its axes, the second is not
        return gaussian_kernels(sigma, theta, side)
    return plateau_kernels(sigma, theta, torch.tensor([1.5, 0.7]).double(), side)


@pytest.mark.parametrize("size", [(12, 9), (40, 33), (101, 130)])
@pytest.mark.parametrize("side", [1, 3, 9, 15, 21, 45])
@pytest.mark.parametrize("kind", ["random", "gaussian", "plateau"])
def test_every_way_equals_the_plain_sum(kind: str, side: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    x, kernels = torch.rand(2, 3, *size), kernels_of(kind, side)
    margin = side // 2
    if margin >= min(size):
        pytest.skip("torch's padding takes no margin of the image's size")
    padded = F.pad(x.double(), (margin,) * 4, mode="reflect")
    weight = kernels.repeat_interleave(3, 0)[:, None]
    expected = F.conv2d(padded.reshape(1, 6, *padded.shape[-2:]), weight, groups=6).reshape(2, 3, *size)
    assert (filter_each(x, kernels) - expected).abs().max() < 2e-6


def test_a_kernel_larger_than_the_image() -> None:
    x = torch.rand(1, 3, 4, 2)
    y = filter_each(x, kernels_of("gaussian", 21)[:1])
    assert y.shape == x.shape
    assert torch.allclose(y.mean((2, 3)), x.mean((2, 3)), atol=0.1)
    pixel = torch.rand(1, 3, 1, 1)
    assert torch.allclose(filter_each(pixel, kernels_of("random", 5)[:1]), pixel, atol=1e-6)


def test_filters_equal_basicsr() -> None:
    patch_torchvision()
    from basicsr.utils.img_process_util import filter2D

    x, kernels = torch.rand(2, 3, 60, 50), kernels_of("plateau", 21)
    assert (filter_each(x, kernels) - filter2D(x, kernels.float())).abs().max() < 2e-6


def test_each_image_has_its_own_kernel() -> None:
    x, kernels = torch.rand(2, 3, 6, 7), torch.zeros(2, 3, 3)
    kernels[0, 1, 1] = 1  # identity
    kernels[1, 1, 2] = 1  # the right neighbor
    y = filter_each(x, kernels)
    assert torch.allclose(y[0], x[0])
    assert torch.allclose(y[1, :, :, :-1], x[1, :, :, 1:])


@pytest.mark.parametrize("kind", ["random", "gaussian"])
@pytest.mark.parametrize(("side", "size"), [(5, (17, 30)), (21, (24, 25)), (43, (7, 30))])
def test_the_gradient_is_the_transpose(kind: str, side: int, size: tuple[int, int]) -> None:
    """<K x, y> = <x, K'y>, also where the kernel is larger than the image."""
    kernels = kernels_of(kind, side)
    x = torch.rand(2, 3, *size, dtype=torch.float64, requires_grad=True)
    made = filter_each(x, kernels)
    y = torch.rand_like(made)
    (transposed,) = torch.autograd.grad(made, x, y)
    other = torch.rand_like(made)
    assert torch.allclose((filter_each(other, kernels) * y).sum(), (other * transposed).sum(), rtol=1e-8)
