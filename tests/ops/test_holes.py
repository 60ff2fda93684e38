"""Filling holes."""

import torch

from cfmrestore.ops.holes import fill_holes, fill_smoothly


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
