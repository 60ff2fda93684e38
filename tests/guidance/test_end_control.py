"""Control of an end: where it leads on every path."""

import pytest
import torch

from cfmrestore.guidance import EndControl
from cfmrestore.paths import GVP, Linear, Path
from cfmrestore.solvers import Euler
from cfmrestore.solvers.grids import UniformGrid


def wrong(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """A velocity that leads somewhere else."""
    return -x + t


def ends() -> torch.Tensor:
    return torch.randn(2, 2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("path", "steps", "atol"), [(Linear(), 1, 1e-12), (Linear(), 7, 1e-12), (GVP(), 400, 0.02)])
def test_wholly_led_it_arrives(path: Path, steps: int, atol: float) -> None:
    x_0, x_1 = ends()
    grid = UniformGrid()(steps)
    forward = Euler().solve(EndControl(wrong, path, lambda t: 1.0, data=x_1), x_0, grid).x
    assert torch.allclose(forward, x_1, atol=atol)
    back = Euler().solve(EndControl(wrong, path, lambda t: 1.0, start=x_0), x_1, grid.flip(0)).x
    assert torch.allclose(back, x_0, atol=atol)


def test_of_no_strength_it_is_the_velocity() -> None:
    x_0, x_1 = ends()
    t = torch.tensor(0.3, dtype=torch.float64)
    assert torch.equal(EndControl(wrong, Linear(), lambda t: 0.0, data=x_1)(x_0, t), wrong(x_0, t))
    half = EndControl(wrong, Linear(), lambda t: 0.5, data=x_1)(x_0, t)
    assert torch.allclose(half, (wrong(x_0, t) + (x_1 - x_0) / 0.7) / 2)


def test_it_has_one_end() -> None:
    x_0, x_1 = ends()
    for given in ({}, {"start": x_0, "data": x_1}):
        with pytest.raises(ValueError, match="one of both"):
            EndControl(wrong, Linear(), lambda t: 1.0, **given)
