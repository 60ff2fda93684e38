"""Times of a grid, placed where few steps of a solver end closest to what fine steps lead to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cfmrestore.flows.sampling import Start
from cfmrestore.solvers.base import Solver

_DIGITS = 4  # of the times that are tried
_FINEST = 5e-4  # the last stride

Times = tuple[float, ...]


@dataclass(frozen=True)
class Reference:
    """A batch of starts, and where fine steps lead from each."""

    start: Start
    end: Tensor


@dataclass(frozen=True)
class GridFit:
    """Times that were found, their error, and how many grids were tried."""

    times: Times
    error: float
    trials: int


@torch.no_grad()
def reference(start: Start, solver: Solver, num_intervals: int) -> Reference:
    """The end of a solution by so many intervals of equal length, of which none is a step of a flow map."""
    if solver.needs_flow_map:
        raise ValueError("the fine solution is one of the velocity: its solver takes no flow map")
    grid = torch.linspace(0, 1, num_intervals + 1, dtype=torch.float64)
    return Reference(start, solver.solve(start.velocity, start.x_0, grid).x)


@torch.no_grad()
def grid_error(solver: Solver, times: Sequence[float], references: Sequence[Reference]) -> float:
    """Mean squared distance of a solver's ends on a grid from the fine ones, over all elements."""
    grid, total, count = torch.tensor(times, dtype=torch.float64), 0.0, 0
    for one in references:
        end = solver.solve(one.start.velocity, one.start.x_0, grid).x
        total += float((end - one.end).double().square().sum())
        count += end.numel()
    return total / count


def fit_times(error: Callable[[Times], float], starts: Sequence[Times], *, trials: int = 200) -> GridFit:
    r"""A minimum of the error over the inner times :math:`0 < t_1 < \dots < t_{K-1} < 1`, by a compass search.

    From the best of the grids that are given, every inner time is moved by a stride to either side, as long as it stays
    between its neighbors; what is better is kept, and where nothing is the stride is halved (Kolda et al., 2003). Few
    numbers are sought, so that this takes some ten evaluations of the error each, without a derivative through the
    solver and what that would keep in memory; any solver will do, and the result is never worse than any grid given.

    Args:
        error: Of a grid, both ends included.
        starts: Grids to begin with, of one number of times.
        trials: Grids that are tried beside them, at most.
    """
    known: dict[Times, float] = {}

    def measured(times: Times) -> float:
        if times not in known:
            known[times] = error(times)
        return known[times]

    best, most = min(starts, key=measured), len(dict.fromkeys(starts)) + trials
    stride = 0.5 / (len(best) - 1)
    while stride >= _FINEST and len(known) < most:
        moves = [moved for place in range(1, len(best) - 1) for moved in _moves(best, place, stride)]
        better = min((move for move in moves[: most - len(known)]), key=measured, default=best)
        if measured(better) < measured(best):
            best = better
        else:
            stride /= 2
    return GridFit(best, known[best], len(known))


def _moves(times: Times, place: int, stride: float) -> list[Times]:
    """The grid with one time later, and with it earlier, as far as it keeps its place."""
    moved = [round(times[place] + sign * stride, _DIGITS) for sign in (1, -1)]
    return [(*times[:place], time, *times[place + 1 :]) for time in moved if times[place - 1] < time < times[place + 1]]
