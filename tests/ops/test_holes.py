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


@pytest.mark.parametrize("sees_outside", [False, True])
def test_no_step_is_left_at_the_rim(sees_outside: bool) -> None:
    """An offset in the hole is taken out, whether the image has it outside too or is right there."""
    image, mask = ramp(), hole()
    slope = float(image[0, 0, 0, 1] - image[0, 0, 0, 0])
    result = fill_holes(image + 0.1 * (mask if sees_outside else 1), image, mask)
    assert torch.equal(result * (1 - mask), image * (1 - mask))
    assert (result - image).abs().max() <= slope + 1e-5  # the gradient across the rim counts as zero
    flat = torch.full_like(image, 0.3)
    assert torch.allclose(fill_holes(flat + 0.1, flat, mask), flat, atol=1e-6)


def test_a_membrane_is_harmonic() -> None:
    """Of an image of zeros it is all that fills the hole, and solves Laplace's equation there."""
    row, column = torch.meshgrid(torch.linspace(0, 1, 32), torch.linspace(0, 1, 32), indexing="ij")
    known = (0.5 + 0.3 * torch.sin(9 * column) * torch.cos(7 * row)).double()
    mask = hole()[0, 0].double()
    places = mask.nonzero().tolist()
    index = {tuple(place): number for number, place in enumerate(places)}
    laplace, right = 4 * torch.eye(len(places), dtype=torch.float64), torch.zeros(len(places), dtype=torch.float64)
    for (y, x), number in index.items():
        for neighbor in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if neighbor in index:
                laplace[number, index[neighbor]] = -1
            else:
                right[number] += known[neighbor]
    exact = torch.linalg.solve(laplace, right)
    filled = fill_holes(torch.zeros(1, 3, 32, 32).double(), known.expand(1, 3, 32, 32), mask[None, None])[0, 0]
    assert (filled[mask > 0] - exact).abs().max() < 0.01
    assert exact.max() - exact.min() > 0.25


def test_an_image_that_is_all_hole_is_the_other_one() -> None:
    image = torch.rand(2, 3, 8, 8)
    mask = torch.stack([torch.ones(1, 8, 8), torch.zeros(1, 8, 8)])
    filled = fill_holes(image, torch.zeros_like(image), mask)
    assert torch.equal(filled[0], image[0])
    assert torch.equal(filled[1], torch.zeros_like(image[1]))


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
