"""Luma."""

import torch

from cfmrestore.ops.color import luma


def test_luma_is_matlabs() -> None:
    colors = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]]).T[None, :, None]
    expected = torch.tensor([16, 235, 81.481, 144.553, 40.966])  # rgb2ycbcr
    assert torch.allclose(luma(255 * colors).flatten(), expected, atol=1e-3)
