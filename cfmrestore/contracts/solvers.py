"""Contract of solvers: the order and the cost that they declare, measured on flows whose solution is known."""

import math

import torch
from torch import Tensor

from cfmrestore.contracts.analytic import FLOWS, RICCATI, STRAIGHT, AnalyticFlow
from cfmrestore.contracts.base import Contract, require
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import PathDiffusion
from cfmrestore.paths.linear import Linear
from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solution, Solver, Step
from cfmrestore.solvers.grids import UniformGrid

ONE = torch.tensor(1.0, dtype=torch.float64)
_ADAPTS = "its error decides the steps (nfe is None)"


def uneven(n: int) -> Tensor:
    """Steps of lengths 1, 2, 1, 2, ...: a multistep method that relies on equal ones loses its order."""
    steps = torch.tensor([1.0, 2.0], dtype=torch.float64).repeat(n // 2 + 1)[:n]
    return torch.cat([torch.zeros(1, dtype=torch.float64), steps.cumsum(0) / steps.sum()])


def solve(solver: Solver, flow: AnalyticFlow, x: Tensor, grid: Tensor) -> Solution:
    """From a source without noise, where a method that adds noise adds none."""
    law = PathDiffusion(Linear(), x, torch.zeros_like(x), ImageRng(range(len(x))))
    return solver.solve(flow.v, x, grid, diffusion=law)


def errors(solver: Solver, flow: AnalyticFlow, intervals: list[int], backward: bool = False) -> Tensor:
    """The greatest error at the end, by number of intervals."""
    x_0 = flow.start()
    x_1 = flow.map(x_0, ONE)
    start, end = (x_1, x_0) if backward else (x_0, x_1)
    grids = [uneven(n).flip(0) if backward else uneven(n) for n in intervals]
    return torch.stack([(solve(solver, flow, start, grid).x - end).abs().max() for grid in grids])


def check_order_on(solver: Solver, flow: AnalyticFlow, backward: bool = False) -> None:
    """The slope of log error against log intervals, on the two finest grids that round-off leaves alone."""
    where = f"on the {flow.name} flow, {'backward' if backward else 'forward'}"
    error = errors(solver, flow, [8 * 2**k for k in range(7)], backward)
    require(error.isfinite().all(), f"{where}, it ends at NaN or infinity")
    usable = error[error > 4e-13]
    if len(usable) < 2:
        return  # exact
    slope = float((usable[-2] / usable[-1]).log2())
    slack = 0.15 if solver.order < 5 else 0.3  # at order 5 round-off comes before the asymptote
    require(
        slope >= solver.order - slack,
        f"{where}, the error falls as h^{slope:.2f}, and order says {solver.order}: look at the times and signs of its "
        "stages, or say the order that it has",
    )
    if flow is RICCATI:
        require(slope <= solver.order + slack, f"{where}, the error falls as h^{slope:.2f}: say that order")


def check_nfe(solver: Solver) -> str | None:
    """As many evaluations of the velocity are counted as nfe declares."""
    if solver.nfe(1) is None:
        return _ADAPTS
    for n in (1, 5, 12):
        counted = solve(solver, RICCATI, RICCATI.start(), UniformGrid()(n)).nfe  # a wrong count is refused there too
        require(counted == solver.nfe(n), f"{counted} evaluations on {n} intervals, nfe says {solver.nfe(n)}")
    return None


def check_order(solver: Solver) -> str | None:
    """The error falls as h^order, on straight, linear, Gaussian and Riccati flows, forward and backward."""
    if solver.nfe(1) is None:
        return _ADAPTS
    for flow in FLOWS:
        for backward in (False, True):
            check_order_on(solver, flow, backward)
    return None


def check_straight(solver: Solver) -> None:
    """A straight path takes one interval."""
    error = float(errors(solver, STRAIGHT, [1])[0])
    require(error < 1e-14, f"one interval of a constant velocity is wrong by {error:.1e}")


def check_there_and_back(solver: Solver) -> str | None:
    """A falling grid leads back."""
    if solver.nfe(1) is None:
        return _ADAPTS
    x, grid = RICCATI.start(), UniformGrid()(256)
    back = solve(solver, RICCATI, solve(solver, RICCATI, x, grid).x, grid.flip(0)).x
    error = float((back - x).abs().max())
    require(error < 16 * 256.0**-solver.order + 1e-12, f"there and back by 256 intervals it is wrong by {error:.1e}")
    return None


def check_gradients(solver: Solver) -> None:
    """Gradients pass the solve, and are right."""
    x = RICCATI.start(2).requires_grad_()

    def end(x: Tensor) -> Tensor:
        return solve(solver, RICCATI, x, UniformGrid()(4)).x

    right = torch.autograd.gradcheck(end, x, raise_exception=False)
    require(right, "gradients of the end in the start are wrong or cut off: do not detach, nor write in place")


def check_steps(solver: Solver) -> None:
    """float32 stays float32, and each interval is reported."""
    steps: list[Step] = []
    x = RICCATI.start().float()
    law = PathDiffusion(Linear(), x, torch.zeros_like(x), ImageRng(range(len(x))))
    solution = solver.solve(RICCATI.v, x, UniformGrid()(3), diffusion=law, on_step=steps.append)
    require(solution.x.dtype == torch.float32, f"of float32 it makes {solution.x.dtype}: multiply by t and h as given")
    whole = [step.index for step in steps] == [0, 1, 2] and steps[-1].nfe == solution.nfe
    whole = whole and torch.equal(steps[-1].x, solution.x) and math.isclose(float(steps[-1].t), 1.0, rel_tol=1e-6)
    require(whole, "on_step is not called after each interval: leave solve as it is")


CONTRACT = Contract(
    SOLVERS,
    Solver,
    (check_nfe, check_order, check_straight, check_there_and_back, check_gradients, check_steps),
    cases={"DoPri5": [{"adaptive": False}], "EulerMaruyama": [{"norm": 0.0}, {}]},
    unchecked="the law of what a stochastic solver draws: it is checked without noise",
)
