"""Back-projection in the solver."""

import pytest
import torch

from cfmrestore.encoders import Haar, Identity
from cfmrestore.guidance import DataConsistency
from cfmrestore.ops.resize import resize
from cfmrestore.paths import GVP, Linear
from cfmrestore.paths.base import Path
from cfmrestore.solvers import Euler, Heun
from cfmrestore.solvers.base import Solver
from cfmrestore.solvers.grids import UniformGrid
from cfmrestore.typing import Velocity

LOW = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def wrong(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """A velocity that leads somewhere else."""
    return -x + t


def guided(path: Path, factor: int = 2) -> tuple[DataConsistency, Haar, torch.Tensor]:
    encoder = Haar(factor=factor).double()
    x_0 = torch.randn(1, encoder.channels, 24 // factor, 32 // factor, dtype=torch.float64)
    return DataConsistency(wrong, path, encoder, LOW, 4), encoder, x_0


@pytest.mark.parametrize("path", [Linear(), GVP()], ids=["linear", "gvp"])
@pytest.mark.parametrize("solver", [Euler(), Heun()], ids=["euler", "heun"])
def test_the_end_shrinks_to_the_input(path: Path, solver: Solver) -> None:
    """Exactly by Euler's method on the straight path, whose last step leads to the end point; nearly otherwise."""
    velocity, encoder, x_0 = guided(path)
    worst = {}
    for name, v in (("guided", velocity), ("free", wrong)):
        image = encoder.decode(solver.solve(v, x_0, UniformGrid()(16)).x)
        worst[name] = float((resize(image, scale=0.25) - LOW).abs().max())
    exact = isinstance(path, Linear) and isinstance(solver, Euler)
    assert worst["guided"] < (1e-9 if exact else 0.15)
    assert worst["free"] > 0.3


def test_a_velocity_that_agrees_is_left_alone() -> None:
    velocity, encoder, x_0 = guided(Linear())
    end = velocity.enforce_consistency(x_0)
    towards: Velocity = lambda x, t: (end - x) / (1 - t)  # noqa: E731
    again = DataConsistency(towards, Linear(), encoder, LOW, 4)
    t = torch.tensor(0.25, dtype=torch.float64)
    assert torch.allclose(again(x_0, t), towards(x_0, t), atol=1e-9)


def test_what_shrinking_does_not_see_is_kept() -> None:
    """Only what shrinks to something is moved: the correction is orthogonal to the kernel of shrinking."""
    encoder = Identity().double()
    velocity = DataConsistency(wrong, Linear(), encoder, LOW, 4)
    x_1 = torch.randn(1, 3, 24, 32, dtype=torch.float64)
    moved = velocity.enforce_consistency(x_1) - x_1
    unseen = torch.randn_like(x_1)
    from cfmrestore.ops.back_projection import back_project

    unseen = back_project(unseen, torch.zeros_like(LOW), 4)
    assert abs(float((moved * unseen).sum())) < 1e-9


def test_at_the_end_the_velocity_is_left_alone() -> None:
    velocity, _, x_0 = guided(Linear())
    one = torch.tensor(1.0, dtype=torch.float64)
    assert torch.equal(velocity(x_0, one), wrong(x_0, one))


def test_images_that_arrive_at_different_times_do_not_move_each_other() -> None:
    """A solver with steps of its own asks at one time an image."""
    _, encoder, x_0 = guided(GVP())
    other = torch.randn_like(x_0)
    both = DataConsistency(wrong_each, GVP(), encoder, LOW.expand(2, -1, -1, -1), 4)
    alone = DataConsistency(wrong_each, GVP(), encoder, LOW, 4)
    times = torch.tensor([0.4, 1.0], dtype=torch.float64)
    together = both(torch.cat([x_0, other]), times)
    for index, x in enumerate((x_0, other)):
        assert torch.allclose(together[index : index + 1], alone(x, times[index : index + 1]), atol=1e-9)


def wrong_each(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return -x + t[:, None, None, None]
