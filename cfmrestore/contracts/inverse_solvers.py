"""Contract of solvers of inverse problems: cost, replay, and results that explain what was seen."""

from typing import Any

import torch
from torch import Tensor

from cfmrestore.contracts.base import Contract, close, require
from cfmrestore.contracts.degradations import images
from cfmrestore.degradations.base import NoParams
from cfmrestore.degradations.forward_operator import ForwardOperator
from cfmrestore.degradations.resize.downscale import Downscale
from cfmrestore.encoders.base import Encoder
from cfmrestore.encoders.haar import Haar
from cfmrestore.inverse.base import InverseSolver
from cfmrestore.inverse.problem import InverseProblem
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.paths.linear import Linear
from cfmrestore.registry import INVERSE_SOLVERS

SEEDS = [3, 1, 4]
SIZE = (24, 32)
DOWN = ForwardOperator(((Downscale(scale=2), NoParams()),), 0.02)


def velocity(x: Tensor, t: Tensor) -> Tensor:
    """Of the straight path from N(0, I) to N(0, I): (2t - 1) x / (t^2 + (1 - t)^2)."""
    t = expand_as(t, x)
    return (2 * t - 1) / (t**2 + (1 - t) ** 2) * x


def velocity_of(path: Path) -> Any:
    """Of data that are N(0, I), for any path: E[x_1 | x_t] = alpha x_t / (alpha^2 + sigma^2), and so for x_0."""

    def v(x: Tensor, t: Tensor) -> Tensor:
        c = path.coefficients(t)
        return (c.d_alpha * c.alpha + c.d_sigma * c.sigma) / (c.alpha**2 + c.sigma**2) * x

    return v


def problem_of(
    operator: ForwardOperator, y: Tensor, encoder: Encoder, size: tuple[int, int] | None = None
) -> InverseProblem:
    """What was observed through an operator."""
    return InverseProblem(y, operator, encoder, size or (y.shape[-2], y.shape[-1]), operator.noise_level(y))


def solve(
    solver: InverseSolver, y: Tensor, operator: ForwardOperator, size: tuple[int, int], seeds: list[int] | None = None,
    encoder: Encoder | None = None, path: Path | None = None,
) -> Any:  # fmt: skip
    """The problem, and what a method finds."""
    space = encoder or Haar(factor=2)
    rng = ImageRng(seeds or SEEDS[: len(y)])
    start = rng.fork("start").normal(space.channels, size[0] // space.downscale, size[1] // space.downscale)
    problem = problem_of(operator, y, space, size)
    v = velocity if path is None else velocity_of(path)
    return problem, solver.solve(v, start, problem, path or Linear(), rng)


def check_nfe(solver: InverseSolver) -> None:
    """As many evaluations of the velocity are counted as steps and evals_per_step say."""
    counted = solve(solver, DOWN(images(3)), DOWN, SIZE)[1].nfe  # a wrong count is refused there too
    require(counted == solver.nfe, f"{counted} evaluations were counted, nfe says {solver.nfe}")


def check_replay(solver: InverseSolver) -> None:
    """The same seeds give the same latents, and other ones others."""
    y = DOWN(images(3))
    first = solve(solver, y, DOWN, SIZE)[1].x
    torch.rand(1)
    again = solve(solver, y, DOWN, SIZE)[1].x
    require(torch.equal(again, first), "the same seeds give other latents: draw from the rng that walk gets")
    others = solve(solver, y, DOWN, SIZE, [7, 8, 9])[1].x
    require(not torch.allclose(others, first, atol=1e-2), "other seeds give the same latents")


def check_images_are_independent(solver: InverseSolver) -> None:
    """What is found of an image does not depend on its batch."""
    y = DOWN(images(3))
    together = solve(solver, y, DOWN, SIZE)[1].x
    for i in range(3):
        alone = solve(solver, y[i : i + 1], DOWN, SIZE, [SEEDS[i]])[1].x
        require(close(alone[0], together[i], atol=1e-4), f"image {i} of a batch is another than alone")


def check_explains(solver: InverseSolver, path: Path | None = None) -> None:
    """What is found is degraded to y, up to a quarter of what nothing found would leave: the prior pulls back."""
    for operator in (ForwardOperator(), DOWN):
        problem, solution = solve(solver, operator(images(3)), operator, SIZE, path=path)
        left, before = problem.residual(solution.x), problem.residual(torch.zeros_like(solution.x))
        share = float(left.square().mean().sqrt()) / float(before.square().mean().sqrt())
        require(share < 0.25, f"degraded, what is found is off y by {share:.2f} of what black would be: ask y more")


CONTRACT = Contract(
    INVERSE_SOLVERS,
    InverseSolver,
    (check_nfe, check_replay, check_images_are_independent, check_explains),
    cases={name: [{"steps": 30}] for name in ("Flower", "PnPFlow", "MMPS")},
    unchecked="operators and spaces that are not linear, which needs_linear says it takes or refuses",
)
