"""Unsharp masking: basicsr's, and its equation."""

import torch

from cfmrestore._compat import patch_torchvision
from cfmrestore.degradations import USMSharp
from cfmrestore.ops.rng import ImageRng
from tests.ops.test_jpeg import photograph


def test_equal_to_basicsr() -> None:
    patch_torchvision()
    from basicsr.utils.img_process_util import USMSharp as Theirs

    x = photograph("astronaut", 120, 100)
    ours, theirs = USMSharp()(x, ImageRng([1])), Theirs()(x)
    different = ((ours - theirs).abs() > 1e-4).float().mean()
    assert different < 1e-3, "a residual on the threshold may fall on either side"


def test_flat_places_stay_and_edges_overshoot() -> None:
    x = torch.full((1, 3, 160, 160), 0.2)
    x[..., 80:] = 0.7
    y = USMSharp()(x, ImageRng([1]))
    assert torch.allclose(y[..., :10], x[..., :10], atol=1e-4)
    assert y[..., 75:80].min() < 0.15
    assert y[..., 80:85].max() > 0.75
