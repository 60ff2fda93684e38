"""Filling holes."""

import pytest
import torch

from cfmrestore.ops.holes import fill_holes, fill_mean, fill_smoothly, fill_telea


def ramp(side: int = 32) -> torch.Tensor:
    line = torch.linspace(0.2, 0.8, side)
    return (line[:, None] + line[None, :]).div(2).expand(2, 3, side, side)


def hole(side: int = 32) -> torch.Tensor:
    mask = torch.zeros(2, 1, side, side)
    mask[:, :, 10:20, 8:25] = 1
    return mask


def test_what_is_known_stays_and_what_is_not_does_not_count() -> None:
    image, mask = ramp(), hole()
    filled = fill_smoothly(image, mask)
    assert torch.equal(filled * (1 - mask), image * (1 - mask))
    assert torch.equal(filled, fill_smoothly(torch.where(mask > 0, 7.0, image), mask))
    assert (filled - image).abs().max() < 0.05  # a ramp is nearly continued
    assert torch.equal(fill_smoothly(torch.full_like(image, 0.3), mask), torch.full_like(image, 0.3))


def test_any_size_and_an_image_that_is_all_hole() -> None:
    for size in ((1, 1), (5, 7), (33, 2)):
        image, mask = torch.rand(1, 3, *size), torch.ones(1, 1, *size)
        assert torch.equal(fill_smoothly(image, mask), torch.full_like(image, 0.5))
        mask[..., 0, 0] = 0
        assert torch.allclose(fill_smoothly(image, mask), image[..., :1, :1].expand_as(image), atol=1e-5)


def test_no_step_is_left_at_the_rim() -> None:
    """An image that is right but for an offset is put right."""
    image, mask = ramp(), hole()
    result = fill_holes(image + 0.1, image, mask)
    assert torch.equal(result * (1 - mask), image * (1 - mask))
    assert torch.allclose(result, image, atol=1e-5)


def test_images_are_filled_one_by_one() -> None:
    image, mask = torch.rand(2, 3, 20, 20), (torch.rand(2, 1, 20, 20) > 0.5).float()
    assert torch.equal(fill_smoothly(image, mask)[1:], fill_smoothly(image[1:], mask[1:]))


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
