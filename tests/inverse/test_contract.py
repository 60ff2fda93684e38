"""Every registered solver of inverse problems keeps what it declares; a broken one does not pass."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations import DiffJPEG, Downscale, ForwardOperator, LowLight
from cfmrestore.degradations.base import NoParams
from cfmrestore.encoders import Haar, Identity
from cfmrestore.encoders.base import Encoder
from cfmrestore.inverse import Flower, InverseSolver
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths import GVP, Linear, Path
from cfmrestore.registry import ENCODERS, INVERSE_SOLVERS
from tests.degradations.test_contract import images
from tests.inverse.problems import problem_of, velocity

INVERSE_SOLVERS.import_from_location()
NAMES = sorted(INVERSE_SOLVERS.module_dict)
SEEDS = [3, 1, 4]
DOWN = ForwardOperator(((Downscale(scale=2), NoParams()),), 0.02)


def build(name: str, steps: int = 8) -> InverseSolver:
    return INVERSE_SOLVERS.build({"type": name, "steps": steps})


def solve(
    solver: InverseSolver, y: Tensor, operator: ForwardOperator, size: tuple[int, int], seeds: list[int] | None = None,
    encoder: Encoder | None = None, path: Path | None = None,
) -> Any:  # fmt: skip
    space = encoder or Haar(factor=2)
    rng = ImageRng(seeds or SEEDS[: len(y)])
    start = rng.fork("start").normal(space.channels, size[0] // space.downscale, size[1] // space.downscale)
    problem = problem_of(operator, y, space, size)
    v = velocity if path is None else velocity_of(path)
    return problem, solver.solve(v, start, problem, path or Linear(), rng)


def velocity_of(path: Path) -> Any:
    """Of data that are N(0, I), for any path: E[x_1 | x_t] = alpha x_t / (alpha^2 + sigma^2), and so for x_0."""

    def v(x: Tensor, t: Tensor) -> Tensor:
        c = path.coefficients(t)
        return (c.d_alpha * c.alpha + c.d_sigma * c.sigma) / (c.alpha**2 + c.sigma**2) * x

    return v


def check_nfe(solver: InverseSolver) -> None:
    y = DOWN(images(3))
    assert solve(solver, y, DOWN, (24, 32))[1].nfe == solver.nfe


def check_replay(solver: InverseSolver) -> None:
    """The same seeds give the same latents, and other ones others."""
    y = DOWN(images(3))
    first = solve(solver, y, DOWN, (24, 32))[1].x
    torch.rand(1)
    assert torch.equal(solve(solver, y, DOWN, (24, 32))[1].x, first)
    assert not torch.allclose(solve(solver, y, DOWN, (24, 32), [7, 8, 9])[1].x, first, atol=1e-2)


def check_images_are_independent(solver: InverseSolver) -> None:
    y = DOWN(images(3))
    together = solve(solver, y, DOWN, (24, 32))[1].x
    for i in range(3):
        alone = solve(solver, y[i : i + 1], DOWN, (24, 32), [SEEDS[i]])[1].x
        assert torch.allclose(alone[0], together[i], atol=1e-4)


def check_explains(solver: InverseSolver, path: Path | None = None) -> None:
    """What is found is degraded to y, up to a quarter of what nothing found would leave: the prior pulls back."""
    for operator in (ForwardOperator(), DOWN):
        y = operator(images(3))
        problem, solution = solve(solver, y, operator, (24, 32), path=path)
        left, before = problem.residual(solution.x), problem.residual(torch.zeros_like(solution.x))
        assert float(left.square().mean().sqrt()) < 0.25 * float(before.square().mean().sqrt())


@pytest.mark.parametrize("check", [check_nfe, check_replay, check_images_are_independent])
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check: Any) -> None:
    check(build(name))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_found_explains_what_was_seen(name: str) -> None:
    check_explains(build(name, 30))


@pytest.mark.parametrize("name", NAMES)
def test_on_a_path_that_is_not_straight(name: str) -> None:
    check_explains(build(name, 30), GVP())


@pytest.mark.parametrize("name", [name for name in NAMES if not INVERSE_SOLVERS.get(name).needs_linear])
@pytest.mark.parametrize("step", [DiffJPEG(quality=(90, 90)), LowLight(gamma=(2.0, 2.0))])
def test_operators_that_are_not_linear(name: str, step: Any) -> None:
    """The residual falls to less than half."""
    x = images(3)
    operator = replace(ForwardOperator.of(step, step.draw(x, ImageRng(SEEDS))), sigma=0.05)
    problem, solution = solve(build(name, 20), operator(x), operator, (24, 32), encoder=Identity())
    assert not problem.is_affine
    with pytest.raises(ValueError, match="Flower is for linear problems, and this degradation is not: take PnPFlow"):
        solve(Flower(), operator(x), operator, (24, 32), encoder=Identity())
    before = problem.residual(torch.zeros_like(solution.x))
    assert float(problem.residual(solution.x).norm()) < 0.5 * float(before.norm())


class Squashed(Identity):
    """A space whose decoder is not linear, as those of autoencoders."""

    affine = False

    def decode(self, latent: Tensor) -> Tensor:
        return torch.sigmoid(2 * latent)


@pytest.mark.parametrize("name", NAMES)
def test_spaces_that_are_not_linear(name: str) -> None:
    y = DOWN(images(3))
    if INVERSE_SOLVERS.get(name).needs_linear:
        with pytest.raises(ValueError, match="the decoder of this space is not: take PnPFlow or MMPS"):
            solve(build(name), y, DOWN, (24, 32), encoder=Squashed())
        return
    problem, solution = solve(build(name, 30), y, DOWN, (24, 32), encoder=Squashed())
    before = problem.residual(torch.zeros_like(solution.x))
    assert float(problem.residual(solution.x).norm()) < 0.3 * float(before.norm())


def test_without_noise_or_operator_the_answer_is_y() -> None:
    y = images(3)
    problem, solution = solve(Flower(steps=4), y, ForwardOperator(), (24, 32))
    assert torch.allclose(problem.encoder.decode(solution.x), y, atol=1e-5)


class Blind(Flower):
    """Asks nothing of y."""

    def walk(self, v, x, problem, path, rng):
        return v(x, torch.tensor(0.5)) + rng.normal(*x.shape[1:])


class Unseeded(Flower):
    def walk(self, v, x, problem, path, rng):
        return super().walk(v, x, problem, path, rng) + 0.1 * torch.randn_like(x)


class Shared(Flower):
    """The images of a batch share their mean."""

    def walk(self, v, x, problem, path, rng):
        found = super().walk(v, x, problem, path, rng)
        return found - 0.1 * found.mean(dim=0, keepdim=True)


class Greedy(Flower):
    def walk(self, v, x, problem, path, rng):
        return super().walk(lambda x, t: (v(x, t) + v(x, t)) / 2, x, problem, path, rng)


@pytest.mark.parametrize(
    ("check", "mutant"),
    [(check_explains, Blind), (check_replay, Unseeded), (check_images_are_independent, Shared), (check_nfe, Greedy)],
)
def test_contract_rejects_its_mutants(check: Any, mutant: type[Flower]) -> None:
    with pytest.raises(AssertionError):
        check(mutant(steps=8))


ENCODERS.import_from_location()


@pytest.mark.parametrize("name", sorted(name for name in ENCODERS.module_dict if ENCODERS.get(name).affine))
def test_spaces_that_are_called_affine_are(name: str) -> None:
    space = ENCODERS.build({"type": name})
    z, w = (space.encode(one) for one in (images(2), images(2).flip(-1)))
    zero = space.decode(torch.zeros_like(z))
    assert torch.allclose(
        space.decode(2 * z - 3 * w) - zero, 2 * (space.decode(z) - zero) - 3 * (space.decode(w) - zero), atol=1e-5
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"type": "Flower", "steps": 0}, "steps is a whole number from 1; got 0"),
        ({"type": "Flower", "gamma": 2.0}, "gamma lies in"),
        ({"type": "PnPFlow", "rate": 2.0}, "a rate between 0 and 2"),
        ({"type": "MMPS", "iterations": 0}, "iterations is a whole number from 1"),
        ({"type": "Flow"}, "did you mean 'Flower'"),
    ],
)
def test_bad_configs(config: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        INVERSE_SOLVERS.build(config)
