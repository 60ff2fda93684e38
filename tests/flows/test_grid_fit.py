"""Fitted grids, against flows whose best grid is found by trying all."""

import pytest
import torch

from cfmrestore.contracts.analytic import GAUSSIAN, RICCATI, STRAIGHT, AnalyticFlow
from cfmrestore.flows.grid_fit import fit_times, grid_error, reference
from cfmrestore.flows.sampling import Start
from cfmrestore.solvers import AB2, Euler, FlowMapEuler, Heun


def references(flow: AnalyticFlow) -> list:
    x = torch.randn(32, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).abs()
    return [reference(Start(flow.v, part), Heun(), 256) for part in x.split(20)]


@pytest.mark.parametrize("flow", [GAUSSIAN, RICCATI], ids=lambda flow: flow.name)
def test_the_middle_time_is_the_one_that_trying_all_finds(flow: AnalyticFlow) -> None:
    known = references(flow)
    error = lambda times: grid_error(Euler(), times, known)  # noqa: E731
    tried = {middle: error((0.0, middle, 1.0)) for middle in torch.linspace(0.002, 0.998, 499).tolist()}
    best = min(tried, key=tried.__getitem__)
    found = fit_times(error, [(0.0, 0.5, 1.0)])
    assert found.times[1] == pytest.approx(best, abs=0.003)
    assert found.error <= tried[best] * (1 + 1e-4)
    assert found.error < 0.9 * error((0.0, 0.5, 1.0))


@pytest.mark.parametrize("intervals", [3, 4, 6])
def test_more_times_are_a_minimum_in_each(intervals: int) -> None:
    known = references(GAUSSIAN)
    error = lambda times: grid_error(Euler(), times, known)  # noqa: E731
    uniform = tuple(n / intervals for n in range(intervals + 1))
    found = fit_times(error, [uniform], trials=2000)
    assert found.error < error(uniform)
    assert list(found.times) == sorted(set(found.times))
    assert (found.times[0], found.times[-1]) == (0, 1)
    for place in range(1, intervals):
        for step in (-0.002, 0.002):
            moved = [*found.times]
            moved[place] += step
            assert error(tuple(moved)) >= found.error


def test_nothing_is_worse_than_what_it_begins_with() -> None:
    known = references(STRAIGHT)
    found = fit_times(lambda times: grid_error(AB2(), times, known), [(0.0, 0.5, 1.0), (0.0, 0.3, 1.0)], trials=3)
    assert found.error < 1e-20
    assert found.trials <= 5
    wrong = fit_times(lambda times: -abs(times[1] - 0.5), [(0.0, 0.5, 1.0), (0.0, 0.3, 1.0)], trials=0)
    assert wrong.times == (0.0, 0.3, 1.0)


def test_the_fine_solution_is_no_map() -> None:
    with pytest.raises(ValueError, match="is one of the velocity"):
        reference(Start(GAUSSIAN.v, GAUSSIAN.start()), FlowMapEuler(), 4)
