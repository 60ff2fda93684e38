"""Every registered solver keeps what it declares; a broken one does not pass."""

import math

import pytest
import torch

from cfmrestore.contracts.analytic import FLOWS, RICCATI, STRAIGHT, AnalyticFlow
from cfmrestore.contracts.solvers import (
    CONTRACT,
    ONE,
    check_gradients,
    check_nfe,
    check_order,
    check_order_on,
    check_steps,
    check_straight,
    check_there_and_back,
)
from cfmrestore.plugins import ContractError
from cfmrestore.registry import SOLVERS
from cfmrestore.solvers import AB2, DoPri5, Euler, EulerMaruyama, Heun, Solver
from cfmrestore.solvers.grids import UniformGrid

SOLVERS.import_from_location()
NAMES = sorted(SOLVERS.module_dict)


def build(name: str) -> Solver:
    """Its steps are those of the grid, and nothing is random."""
    return CONTRACT.make(name, CONTRACT.cases_of(name)[0])


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
@pytest.mark.parametrize("name", NAMES)
def test_order(name: str, flow: AnalyticFlow, backward: bool) -> None:
    check_order_on(build(name), flow, backward)


@pytest.mark.parametrize("check", [check for check in CONTRACT.checks if check is not check_order])
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check) -> None:
    check(build(name))


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
    with pytest.raises(ContractError):
        check_order_on(mutant(), RICCATI)


class Curved(Euler):
    """Adds what vanishes with the step: wrong even where the path is straight."""

    def step(self, v, x, t, h, memory):
        return super().step(v, x, t, h, memory)[0] + 0.1 * h**2, memory


class OneWay(Euler):
    """Goes forward whatever the sign of the step."""

    def step(self, v, x, t, h, memory):
        return super().step(v, x, t, h.abs(), memory)


class Cut(Euler):
    """Lets no gradient through the velocity."""

    def step(self, v, x, t, h, memory):
        return x + h * v(x, t).detach(), memory


class Widened(Euler):
    """Computes in double precision."""

    def step(self, v, x, t, h, memory):
        x, memory = super().step(v, x, t, h, memory)
        return x.double(), memory


@pytest.mark.parametrize(
    ("check", "mutant"),
    [(check_straight, Curved), (check_there_and_back, OneWay), (check_gradients, Cut), (check_steps, Widened)],
)
def test_contract_rejects_its_mutants(check, mutant: type[Solver]) -> None:
    with pytest.raises(ContractError):
        check(mutant())


def test_nfe_rejects_its_mutant() -> None:
    with pytest.raises(ContractError, match="2 function evaluations were counted on 1 intervals, 1 are declared"):
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
