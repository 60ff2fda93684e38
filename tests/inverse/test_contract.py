"""Every registered solver of inverse problems keeps what it declares; a broken one does not pass."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from cfmrestore.contracts.degradations import images
from cfmrestore.contracts.inverse_solvers import (
    DOWN,
    SEEDS,
    check_explains,
    check_images_are_independent,
    check_nfe,
    check_replay,
    solve,
)
from cfmrestore.degradations import DiffJPEG, ForwardOperator, LowLight
from cfmrestore.encoders import Identity
from cfmrestore.inverse import Flower, InverseSolver
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths import GVP
from cfmrestore.plugins import ContractError
from cfmrestore.registry import INVERSE_SOLVERS

INVERSE_SOLVERS.import_from_location()
NAMES = sorted(INVERSE_SOLVERS.module_dict)


def build(name: str, steps: int = 8) -> InverseSolver:
    return INVERSE_SOLVERS.build({"type": name, "steps": steps})


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
    with pytest.raises(ContractError):
        check(mutant(steps=8))


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
