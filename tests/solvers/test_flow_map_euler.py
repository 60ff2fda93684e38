"""Steps of a flow map: exact for one that is, and the dial between mean and sample."""

import pytest
import torch

from cfmrestore.contracts.analytic import GAUSSIAN, RICCATI, gaussian_map
from cfmrestore.solvers import Euler, FlowMapEuler
from cfmrestore.solvers.grids import UniformGrid

ZERO, ONE = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)


@pytest.mark.parametrize("intervals", [1, 2, 5])
def test_a_map_needs_no_short_steps(intervals: int) -> None:
    x_0 = GAUSSIAN.start()
    solution = FlowMapEuler().solve(gaussian_map, x_0, UniformGrid()(intervals))
    assert solution.nfe == intervals
    assert torch.allclose(solution.x, GAUSSIAN.map(x_0, ONE), atol=1e-6)  # the grid is in float32


def test_with_a_velocity_it_is_eulers_method() -> None:
    x_0, grid = RICCATI.start(), UniformGrid()(3)
    assert torch.equal(FlowMapEuler().solve(RICCATI.v, x_0, grid).x, Euler().solve(RICCATI.v, x_0, grid).x)


@pytest.mark.parametrize("intervals", [1, 2, 4])
def test_the_dial_leads_from_the_mean_to_the_sample(intervals: int) -> None:
    solver, x_0, grid = FlowMapEuler(), GAUSSIAN.start(), UniformGrid()(intervals)
    mean, sample = x_0 + GAUSSIAN.v(x_0, ZERO), solver.solve(gaussian_map, x_0, grid).x
    ends = [solver.solve_towards(gaussian_map, x_0, grid, share=share) for share in (1e-6, 0.25, 0.5, 0.75, 1.0)]
    assert all(end.nfe == intervals for end in ends)
    assert torch.allclose(ends[0].x, mean, atol=1e-4)
    assert torch.allclose(ends[-1].x, sample, atol=1e-6)
    away = torch.stack([(end.x - mean).abs() for end in ends])
    assert (away.diff(dim=0) > 0).all()


def test_one_evaluation_on_the_way_is_the_mean_velocity_followed_on() -> None:
    x_0, share = GAUSSIAN.start(), torch.tensor(0.5, dtype=torch.float64)
    end = FlowMapEuler().solve_towards(gaussian_map, x_0, UniformGrid()(1), share=0.5).x
    assert torch.allclose(end, x_0 + gaussian_map(x_0, ZERO, share))
