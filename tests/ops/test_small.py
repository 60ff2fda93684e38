"""Padding, the Haar transform, filtering and color."""

import numpy as np
import pytest
import torch

from cfmrestore.ops.color import luma
from cfmrestore.ops.filters import filter_each
from cfmrestore.ops.haar import haar, inverse_haar
from cfmrestore.ops.pad import crop_to, pad_to_multiple, reflect_pad


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (9, 4)])
def test_reflection_is_numpys_for_any_amount(size: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size)
    ours = reflect_pad(x, 7, 3, 5, 12)
    theirs = np.pad(x.numpy(), [(0, 0), (0, 0), (7, 3), (5, 12)], mode="reflect")
    assert np.array_equal(ours.numpy(), theirs)


def test_padding_to_a_multiple_is_undone_by_cropping() -> None:
    x = torch.rand(1, 3, 13, 16)
    padded = pad_to_multiple(x, 8)
    assert padded.shape == (1, 3, 16, 16)
    assert torch.equal(crop_to(padded, (13, 16)), x)


def test_haar_is_orthonormal() -> None:
    x = torch.rand(2, 3, 8, 12, dtype=torch.float64)
    z = haar(x, 2)
    assert z.shape == (2, 12, 4, 6)
    assert torch.allclose(z.square().sum(), x.square().sum())
    assert torch.allclose(inverse_haar(z, 2), x)
    twice = haar(z, 2)
    at_once = haar(x, 4)
    assert torch.allclose(twice.square().sum(), at_once.square().sum())
    assert torch.allclose(at_once[:, :3], twice[:, :3])
    assert torch.allclose(z[:, :3], torch.nn.functional.avg_pool2d(x, 2) * 2)  # the mean comes first


def test_each_image_has_its_own_kernel() -> None:
    x, kernels = torch.rand(2, 3, 6, 7), torch.zeros(2, 3, 3)
    kernels[0, 1, 1] = 1  # identity
    kernels[1, 1, 2] = 1  # the right neighbor
    y = filter_each(x, kernels)
    assert torch.allclose(y[0], x[0])
    assert torch.allclose(y[1, :, :, :-1], x[1, :, :, 1:])


def test_luma_is_matlabs() -> None:
    colors = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]).T[None, :, None]
    expected = torch.tensor([16, 235, 81.481, 144.553, 40.966])  # rgb2ycbcr
    assert torch.allclose(luma(colors).flatten() * 255, expected, atol=1e-3)
