"""The nearest image that shrinks to a given one."""

import pytest
import torch

from cfmrestore.ops.back_projection import back_project, enforce_consistency
from cfmrestore.ops.resize import resize, resize_adjoint


@pytest.mark.parametrize(("scale", "height", "width"), [(2, 7, 30), (3, 1, 1), (4, 13, 9), (4, 5, 1)])
def test_the_result_shrinks_to_the_input(scale: int, height: int, width: int) -> None:
    low, image = torch.rand(2, 3, height, width), torch.rand(2, 3, scale * height, scale * width)
    near = back_project(image, low, scale)
    assert torch.allclose(resize(near, scale=1 / scale), low, atol=1e-5)


def test_it_is_the_nearest_such_image() -> None:
    """By the normal equations with a dense matrix."""
    low, image = torch.rand(1, 1, 4, 5, dtype=torch.float64), torch.rand(1, 1, 16, 20, dtype=torch.float64)
    unit = torch.eye(320, dtype=torch.float64).reshape(320, 1, 16, 20)
    a = resize(unit, scale=0.25).flatten(1).T
    x = image.flatten()
    expected = x + torch.linalg.pinv(a) @ (low.flatten() - a @ x)
    assert torch.allclose(back_project(image, low, 4).flatten(), expected, atol=1e-9)


def test_an_image_that_agrees_already_is_left_alone() -> None:
    image = torch.rand(1, 3, 24, 36)
    assert torch.allclose(back_project(image, resize(image, scale=0.25), 4), image, atol=1e-5)


def test_the_adjoint_is_the_transpose() -> None:
    x, y = torch.rand(1, 2, 24, 30, dtype=torch.float64), torch.rand(1, 2, 6, 8, dtype=torch.float64)
    shrunk = resize(x, scale=0.25)
    assert torch.allclose((shrunk * y).sum(), (x * resize_adjoint(y, (24, 30), scale=0.25)).sum())


def test_sizes_must_fit() -> None:
    with pytest.raises(ValueError, match="not 4 times"):
        back_project(torch.rand(1, 3, 15, 16), torch.rand(1, 3, 4, 4), 4)


def test_an_image_is_made_consistent_whatever_its_batch() -> None:
    """One that needs all rounds beside one that needs few: edges between black and white are never reached."""
    generator = torch.Generator().manual_seed(0)
    hard = (torch.rand(1, 3, 8, 8, generator=generator) > 0.5).float()
    easy = 0.3 + 0.4 * torch.rand(1, 3, 8, 8, generator=generator)
    low, image = torch.cat([hard, easy]), torch.rand(2, 3, 32, 32, generator=generator)
    together = enforce_consistency(image, low, 4)
    for index in range(2):
        alone = enforce_consistency(image[index : index + 1], low[index : index + 1], 4)
        assert torch.equal(together[index : index + 1], alone)
    assert (resize(together[1:], scale=1 / 4) - easy).abs().max() < 0.5 / 255
