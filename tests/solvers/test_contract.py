"""Every registered solver keeps what it declares; a broken one does not pass."""

import math

import pytest
import torch

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers import AB2, DoPri5, Euler, EulerMaruyama, Heun, Solver
from cfmrestore.solvers.grids import UniformGrid
from tests.analytic import FLOWS, RICCATI, STRAIGHT, AnalyticFlow

SOLVERS.import_from_location()
# How a solver is built so that its steps are those of the grid and nothing is random.
DETERMINISTIC = {"DoPri5": {"adaptive": False}, "EulerMaruyama": {"norm": 0.0}}
NAMES = sorted(SOLVERS.module_dict)
ONE = torch.tensor(1.0, dtype=torch.float64)


def build(name: str) -> Solver:
    return SOLVERS.build({"type": name, **DETERMINISTIC.get(name, {})})


def uneven(n: int) -> torch.Tensor:
    """Steps of lengths 1, 2, 1, 2, ...: a multistep method that relies on equal ones loses its order."""
    steps = torch.tensor([1.0, 2.0], dtype=torch.float64).repeat(n // 2 + 1)[:n]
    return torch.cat([torch.zeros(1, dtype=torch.float64), steps.cumsum(0) / steps.sum()])


def errors(solver: Solver, flow: AnalyticFlow, intervals: list[int], backward: bool = False) -> torch.Tensor:
    x_0 = flow.start()
    x_1 = flow.map(x_0, ONE)
    start, end = (x_1, x_0) if backward else (x_0, x_1)
    result = []
    for n in intervals:
        grid = uneven(n)
        solution = solver.solve(flow.v, start, grid.flip(0) if backward else grid)
        result.append(float((solution.x - end).abs().max()))
    return torch.tensor(result, dtype=torch.float64)


def check_order(solver: Solver, flow: AnalyticFlow, backward: bool = False) -> None:
    """The slope of log error against log intervals, on the two finest grids that round-off leaves alone."""
    error = errors(solver, flow, [8 * 2**k for k in range(7)], backward)
    assert error.isfinite().all(), error
    usable = error[error > 4e-13]
    if len(usable) < 2:
        return  # exact
    slope = float((usable[-2] / usable[-1]).log2())
    slack = 0.15 if solver.order < 5 else 0.3  # at order 5 round-off comes before the asymptote
    assert slope >= solver.order - slack, (slope, error)
    if flow is RICCATI:
        assert slope <= solver.order + slack, (slope, error)


def check_nfe(solver: Solver) -> None:
    for n in (1, 5, 12):
        assert solver.solve(RICCATI.v, RICCATI.start(), UniformGrid()(n)).nfe == solver.nfe(n)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
@pytest.mark.parametrize("name", NAMES)
def test_order(name: str, flow: AnalyticFlow, backward: bool) -> None:
    check_order(build(name), flow, backward)


@pytest.mark.parametrize("name", NAMES)
def test_nfe_is_what_is_declared(name: str) -> None:
    check_nfe(build(name))


@pytest.mark.parametrize("name", NAMES)
def test_straight_paths_take_one_interval(name: str) -> None:
    assert errors(build(name), STRAIGHT, [1])[0] < 1e-14


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back(name: str) -> None:
    solver, x, grid = build(name), RICCATI.start(), UniformGrid()(256)
    there = solver.solve(RICCATI.v, x, grid).x
    back = solver.solve(RICCATI.v, there, grid.flip(0)).x
    assert (back - x).abs().max() < 16 * 256.0**-solver.order + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_gradients_flow_through_the_solve(name: str) -> None:
    solver, x = build(name), RICCATI.start(2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: solver.solve(RICCATI.v, x, UniformGrid()(4)).x, x)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32_and_steps_are_reported(name: str) -> None:
    steps = []
    solution = build(name).solve(RICCATI.v, RICCATI.start().float(), UniformGrid()(3), on_step=steps.append)
    assert solution.x.dtype == torch.float32
    assert [step.index for step in steps] == [0, 1, 2]
    assert steps[-1].nfe == solution.nfe
    assert torch.equal(steps[-1].x, solution.x)
    assert math.isclose(float(steps[-1].t), 1.0, rel_tol=1e-6)


@pytest.mark.parametrize("grid", [[0.0], [0.0, 0.5, 0.5, 1.0], [0.0, 0.6, 0.4]])
def test_a_grid_that_turns_back_is_refused(grid: list[float]) -> None:
    with pytest.raises(ValueError, match="rising"):
        Euler().solve(STRAIGHT.v, STRAIGHT.start(), torch.tensor(grid))


class WrongTimeHeun(Heun):
    """Looks at the end of the step with the time of its beginning: unseen on an autonomous flow."""

    def step(self, v, x, t, h, memory):
        k_1 = v(x, t)
        return x + h / 2 * (k_1 + v(x + h * k_1, t)), memory


class EqualStepAB2(AB2):
    """Forgets that the steps of the grid differ."""

    def step(self, v, x, t, h, memory):
        x, (v_n, _) = super().step(v, x, t, h, None if memory is None else (memory[0], h))
        return x, (v_n, h)


class LostEuler(Euler):
    """Ends nowhere."""

    def step(self, v, x, t, h, memory):
        return super().step(v, x, t, h, memory)[0] * math.nan, memory


class LostOnFineGrids(Euler):
    """Ends nowhere where steps are short, as what divides by their length might."""

    def step(self, v, x, t, h, memory):
        x, memory = super().step(v, x, t, h, memory)
        return (x * math.nan if h < 0.003 else x), memory


class WastefulEuler(Euler):
    """Evaluates twice and declares once."""

    def step(self, v, x, t, h, memory):
        v(x, t)
        return super().step(v, x, t, h, memory)


@pytest.mark.parametrize("mutant", [WrongTimeHeun, EqualStepAB2, LostEuler, LostOnFineGrids])
def test_order_rejects_its_mutants(mutant: type[Solver]) -> None:
    with pytest.raises(AssertionError):
        check_order(mutant(), RICCATI)


def test_nfe_rejects_its_mutant() -> None:
    with pytest.raises(AssertionError):
        check_nfe(WastefulEuler())


class TestAdaptive:
    """DoPri5 with its steps chosen by the error."""

    @pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
    @pytest.mark.parametrize("tolerance", [1e-4, 1e-7])
    def test_the_error_follows_the_tolerance(self, flow: AnalyticFlow, tolerance: float) -> None:
        solver, x = DoPri5(rtol=tolerance, atol=tolerance), flow.start()
        solution = solver.solve(flow.v, x, UniformGrid()(1))
        assert (solution.x - flow.map(x, ONE)).abs().max() < 20 * tolerance
        assert solution.nfe < 120
        assert (solution.nfe - 2) % 6 == 0  # two for the first step, six an attempt

    def test_an_image_does_not_depend_on_its_batch(self) -> None:
        solver, x = DoPri5(rtol=1e-3, atol=1e-3), torch.tensor([[0.1], [50.0], [3.0]], dtype=torch.float64)
        together = solver.solve(RICCATI.v, x, UniformGrid()(2)).x
        alone = torch.cat([solver.solve(RICCATI.v, one[None], UniformGrid()(2)).x for one in x])
        assert torch.equal(together, alone)

    def test_backward(self) -> None:
        x = RICCATI.start()
        there = RICCATI.map(x, ONE)
        back = DoPri5(rtol=1e-8, atol=1e-8).solve(RICCATI.v, there, UniformGrid()(3).flip(0)).x
        assert (back - x).abs().max() < 1e-6

    def test_a_velocity_that_explodes_ends_in_one_message(self) -> None:
        with pytest.raises(ValueError, match="DoPri5 did not reach"):
            DoPri5(max_evals=600).solve(lambda x, t: x**2 * 1e3, torch.ones(1, 1), UniformGrid()(1))


def test_noise_without_a_law_is_refused() -> None:
    with pytest.raises(ValueError, match="law of a random source"):
        EulerMaruyama().solve(STRAIGHT.v, STRAIGHT.start(), UniformGrid()(2))
