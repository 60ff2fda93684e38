"""Holes that are filled without a network."""

import pytest
import torch

from cfmrestore.ops.hole_filling import fill_mean, fill_telea


@pytest.mark.parametrize("fill", [fill_mean, fill_telea])
def test_known_pixels_stay_and_nothing_known_is_gray(fill) -> None:
    image = torch.rand(3, 30, 20, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(30, 20)
    assert torch.equal(fill(image, hole), image)
    hole[5:12, 4:9] = 1
    filled = fill(image, hole)
    assert torch.equal(filled[:, hole == 0], image[:, hole == 0])
    assert not torch.equal(filled, image)
    assert (fill(image, torch.ones(30, 20)) == 0.5).all()


def test_the_mean_is_that_of_each_channel() -> None:
    image = torch.arange(12.0).view(3, 2, 2) / 12
    hole = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert torch.allclose(fill_mean(image, hole)[:, 0, 0], image.flatten(1)[:, 1:].mean(dim=1))


def test_telea_continues_an_edge() -> None:
    image = torch.zeros(3, 40, 40)
    image[:, :, 20:] = 1
    hole = torch.zeros(40, 40)
    hole[15:25, 10:30] = 1
    filled = fill_telea(image, hole)
    assert filled[:, 15:25, 10:14].max() < 0.1
    assert filled[:, 15:25, 26:30].min() > 0.9


@pytest.mark.parametrize("axis", [1, 2])
def test_an_image_of_one_row_is_filled_as_if_it_had_two(axis: int) -> None:
    image = torch.rand(3, 40, 1, generator=torch.Generator().manual_seed(0))
    hole = (torch.rand(40, 1, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    image, hole = (image, hole) if axis == 2 else (image.mT, hole.mT)
    twice = fill_telea(image.repeat_interleave(2, axis), hole.repeat_interleave(2, axis - 1))
    assert torch.equal(fill_telea(image, hole), twice.narrow(axis, 0, 1))
