"""Resizing against MATLAB's, as basicsr re-implements it."""

import pytest
import torch

from cfmrestore.ops.resize import resize


@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 2, 3, 4, 0.7, 1.5])
def test_equal_to_matlab(scale: float) -> None:
    from cfmrestore._compat import mend_torchvision

    mend_torchvision()
    from basicsr.utils.matlab_functions import imresize

    x = torch.rand(3, 30, 41, generator=torch.Generator().manual_seed(0))
    ours = resize(x[None].double(), scale=scale)[0]
    assert (ours - imresize(x, scale).double()).abs().max() < 1e-5


def test_blocks_of_a_large_image_equal_the_whole() -> None:
    x = torch.rand(1, 3, 5, 1500, dtype=torch.float64)
    whole = resize(x, scale=2)
    assert torch.allclose(resize(x.transpose(-2, -1), scale=2).transpose(-2, -1), whole)
    assert whole.shape == (1, 3, 10, 3000)


def test_constants_stay_and_one_pixel_is_enough() -> None:
    assert torch.allclose(resize(torch.full((1, 3, 7, 5), 0.3), scale=0.4), torch.tensor(0.3))
    assert resize(torch.full((1, 3, 1, 1), 0.3), scale=4).shape == (1, 3, 4, 4)


def test_size_or_scale() -> None:
    assert resize(torch.rand(1, 3, 8, 8), size=(3, 20)).shape == (1, 3, 3, 20)
    for keys in ({}, {"scale": 2, "size": (1, 1)}, {"scale": 0}, {"scale": float("nan")}):
        with pytest.raises(ValueError, match="one of the two"):
            resize(torch.rand(1, 3, 8, 8), **keys)
    with pytest.raises(ValueError, match="unknown kernel 'cubic'"):
        resize(torch.rand(1, 3, 8, 8), scale=2, kernel="cubic")
    with pytest.raises(ValueError, match="needs a pixel"):
        resize(torch.rand(1, 3, 8, 8), size=(0, 4))
