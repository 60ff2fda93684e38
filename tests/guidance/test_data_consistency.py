"""Back-projection in the solver."""

import math

import pytest
import torch

from cfmrestore.encoders import Haar, Identity
from cfmrestore.guidance import DataConsistency
from cfmrestore.ops.resize import resize
from cfmrestore.paths import GVP, Linear
from cfmrestore.paths.base import Path
from cfmrestore.solvers import AB2, RK4, DoPri5, Euler, Heun, Midpoint
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


SOLVERS = [Euler(), Heun(), Midpoint(), RK4(), DoPri5(adaptive=False), DoPri5()]


def shrunk_end(solver: Solver, path: Path, u_0: torch.Tensor) -> torch.Tensor:
    r"""What shrinking sees at the end, which is an equation of its own: it is led to the input whatever the velocity.

    .. math:: \dot u = (\sigma'_t u - d_t y) / \sigma_t, \qquad u_t = A (D x_t - D 0)

    and at t = 1 the velocity of the path from the last point before to y.
    """
    y, last = LOW - 0.5, {}

    def v(u: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        if float(path.coefficients(t).sigma.min()) > 1e-6:
            last.update(u=u, t=t)
            return path.data_to_velocity(y, u, t)
        source = (last["u"] - path.coefficients(last["t"]).alpha * y) / path.coefficients(last["t"]).sigma
        return path.sample(source, y, t)[1]

    return solver.solve(v, u_0, UniformGrid()(16)).x


@pytest.mark.parametrize("path", [Linear(), GVP()], ids=["linear", "gvp"])
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: type(solver).__name__)
def test_the_end_shrinks_to_the_input(path: Path, solver: Solver) -> None:
    """On the straight path exactly, by methods of any order; otherwise as near as the method solves its equation."""
    velocity, encoder, x_0 = guided(path)
    end = resize(encoder.decode(solver.solve(velocity, x_0, UniformGrid()(16)).x), scale=0.25)
    free = resize(encoder.decode(solver.solve(wrong, x_0, UniformGrid()(16)).x), scale=0.25)
    assert (free - LOW).abs().max() > 0.3
    if isinstance(path, Linear):
        assert (end - LOW).abs().max() < 1e-9
    elif not getattr(solver, "adaptive", False):  # whose steps follow all that it carries
        u_0 = resize(encoder.decode(x_0), scale=0.25) - 0.5
        assert torch.allclose(end, shrunk_end(solver, path, u_0) + 0.5, atol=1e-9)


class Weak(DataConsistency):
    """Moves the end point by 60 % of what is needed."""

    def project(self, x_1: torch.Tensor) -> torch.Tensor:
        return x_1 + 0.6 * (super().project(x_1) - x_1)


class Blind(DataConsistency):
    """Leaves the stage at t = 1 alone."""

    def _guided_at_end(self, v: torch.Tensor, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return v


@pytest.mark.parametrize(("mutant", "solver"), [(Weak, Euler()), (Weak, Heun()), (Blind, Heun()), (Blind, RK4())])
def test_mutants_are_rejected(mutant: type[DataConsistency], solver: Solver) -> None:
    _, encoder, x_0 = guided(Linear())
    broken = mutant(wrong, Linear(), encoder, LOW, 4)
    end = resize(encoder.decode(solver.solve(broken, x_0, UniformGrid()(16)).x), scale=0.25)
    assert (end - LOW).abs().max() > 1e-3


def test_the_order_of_a_method_is_kept() -> None:
    """Of a flow to N(0, s^2) by Heun's method: what shrinking does not see has its error fall as h^2."""
    encoder, s = Identity().double(), 0.5
    x_0 = torch.randn(1, 3, 24, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def gaussian(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return (t * s**2 - (1 - t)) / ((1 - t) ** 2 + t**2 * s**2) * x

    def end(intervals: int) -> torch.Tensor:
        return Heun().solve(DataConsistency(gaussian, Linear(), encoder, LOW, 4), x_0, UniformGrid()(intervals)).x

    exact = end(512)
    errors = [float((end(n) - exact).abs().max()) for n in (32, 64)]
    assert 1.8 < math.log2(errors[0] / errors[1]) < 2.3


def test_a_velocity_that_agrees_is_left_alone() -> None:
    velocity, encoder, x_0 = guided(Linear())
    end = velocity.project(x_0)
    towards: Velocity = lambda x, t: (end - x) / (1 - t)  # noqa: E731
    again = DataConsistency(towards, Linear(), encoder, LOW, 4)
    t = torch.tensor(0.25, dtype=torch.float64)
    assert torch.allclose(again(x_0, t), towards(x_0, t), atol=1e-9)


def test_what_shrinking_does_not_see_is_kept() -> None:
    """Only what shrinks to something is moved: the correction is orthogonal to the kernel of shrinking."""
    encoder = Identity().double()
    velocity = DataConsistency(wrong, Linear(), encoder, LOW, 4)
    x_1 = torch.randn(1, 3, 24, 32, dtype=torch.float64)
    moved = velocity.project(x_1) - x_1
    unseen = torch.randn_like(x_1)
    from cfmrestore.ops.back_projection import back_project

    unseen = back_project(unseen, torch.zeros_like(LOW), 4)
    assert abs(float((moved * unseen).sum())) < 1e-9


def test_a_first_evaluation_at_the_end_is_left_alone() -> None:
    velocity, _, x_0 = guided(Linear())
    one = torch.tensor(1.0, dtype=torch.float64)
    assert torch.equal(velocity(x_0, one), wrong(x_0, one))


@pytest.mark.parametrize("solver", [Heun(), AB2()], ids=lambda solver: type(solver).__name__)
def test_one_interval_of_a_path_that_begins_at_its_source_alone(solver: Solver) -> None:
    """GVP has alpha_0 = alpha'_1 = 0: from its first point the velocity at the end does not depend on the end."""
    _, _, x_0 = guided(GVP())
    velocity = DataConsistency(wrong, GVP(), Haar(factor=2), LOW.float(), 4)
    end = solver.solve(velocity, x_0.float(), UniformGrid()(1)).x
    assert end.isfinite().all()
    assert end.abs().max() < 100


def test_images_that_arrive_at_different_times_do_not_move_each_other() -> None:
    """A solver with steps of its own asks at one time an image."""
    _, encoder, x_0 = guided(GVP())
    other = torch.randn_like(x_0)
    both = DataConsistency(wrong_each, GVP(), encoder, LOW.expand(2, -1, -1, -1), 4)
    alone = [DataConsistency(wrong_each, GVP(), encoder, LOW, 4) for _ in range(2)]
    for times in ([0.4, 1.0], [0.6, 0.7], [0.8, 1.0], [1.0, 1.0]):
        t = torch.tensor(times, dtype=torch.float64)
        together = both(torch.cat([x_0, other]), t)
        for index, x in enumerate((x_0, other)):
            expected = alone[index](x, t[index : index + 1])
            assert torch.allclose(together[index : index + 1], expected, atol=1e-9)


def wrong_each(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return -x + t[:, None, None, None]
