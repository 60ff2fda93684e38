"""The Haar transform."""

import torch

from cfmrestore.ops.haar import haar, inverse_haar


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
