"""Guidance by a hyperplane, on a flow between Gaussians and beside data consistency."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from cfmrestore.contracts.analytic import _M, _S, GAUSSIAN, _spread
from cfmrestore.encoders import Identity
from cfmrestore.guidance import DataConsistency, HyperplaneGuidance
from cfmrestore.ops.resize import resize
from cfmrestore.paths import Linear
from cfmrestore.solvers import RK4, Euler, Heun
from tests.restore.flows import random_flow

PATH = Linear(sigma_min=0.0)
NORMAL = torch.tensor([0.6, 0.8, 0.0]).double()
GRID = torch.linspace(0, 1, 201, dtype=torch.float64)


def solved(strength: float, target: Tensor | float, **keys: object) -> Tensor:
    guided = HyperplaneGuidance(
        GAUSSIAN.v, PATH, normal=NORMAL, intercept=-0.2, target=target, strength=strength, **keys
    )
    return RK4().solve(guided, GAUSSIAN.start(), GRID).x


def distance(x: Tensor) -> Tensor:
    return x @ NORMAL - 0.2


def test_it_moves_along_the_normal_alone_as_its_equation_says() -> None:
    r"""With u = <x, n>, of a Gaussian x_1 | x_t: E[u_1 | u_t] = m_n + g (u_t - t m_n), g = t s^2 / spread^2."""
    strength, target = 3.0, 1.1
    m_n = _M * float(NORMAL.sum())

    def rate(u: Tensor, t: Tensor) -> Tensor:
        gain = (t * _S**2 - (1 - t)) / _spread(t) ** 2
        expected = m_n + t * _S**2 / _spread(t) ** 2 * (u - t * m_n)
        return m_n + gain * (u - t * m_n) + strength * (target - (expected - 0.2))

    u = RK4().solve(rate, GAUSSIAN.start() @ NORMAL, GRID).x
    x, free = solved(strength, target), GAUSSIAN.map(GAUSSIAN.start(), torch.tensor(1.0).double())
    assert torch.allclose(x @ NORMAL, u, atol=1e-6)
    across = torch.eye(3).double() - torch.outer(NORMAL, NORMAL)
    assert torch.allclose(x @ across, free @ across, atol=1e-6)


def test_much_strength_is_near_to_the_distance_and_none_is_none() -> None:
    free = GAUSSIAN.map(GAUSSIAN.start(), torch.tensor(1.0).double())
    assert torch.allclose(solved(0.0, 2.0), free, atol=1e-6)
    errors = [float((distance(solved(strength, 2.0)) - 2.0).abs().max()) for strength in (0.0, 8.0, 32.0, 64.0)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.02
    per_image = torch.tensor([-1.0, 0.0, 1.0, 2.0]).double()
    assert torch.allclose(distance(solved(64.0, per_image)), per_image, atol=0.05)


@pytest.mark.parametrize("steps", [1, 3, 10])
@pytest.mark.parametrize("target", [-1.5, 0.0, 2.0])
def test_a_whole_share_ends_at_the_distance(steps: int, target: float) -> None:
    """The last step of Euler's method ends at the data that is expected, moved; across the normal nothing changes."""
    grid = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    guided = HyperplaneGuidance(GAUSSIAN.v, PATH, normal=NORMAL, intercept=-0.2, target=target, share=1.0)
    x, free = (Euler().solve(v, GAUSSIAN.start(), grid).x for v in (guided, GAUSSIAN.v))
    assert torch.allclose(distance(x), torch.tensor(target).double(), atol=1e-6)
    across = torch.eye(3).double() - torch.outer(NORMAL, NORMAL)
    assert torch.allclose(x @ across, free @ across, atol=1e-6)


def test_along_another_direction() -> None:
    """The same distance, and nothing but the direction is added."""
    direction = torch.tensor([1.0, 0.5, 2.0]).double()
    grid = torch.linspace(0, 1, 2, dtype=torch.float64)
    keys = {"normal": NORMAL, "direction": direction, "intercept": -0.2, "target": 2.0, "share": 1.0}
    guided = HyperplaneGuidance(GAUSSIAN.v, PATH, **keys)
    x, free = (Euler().solve(v, GAUSSIAN.start(), grid).x for v in (guided, GAUSSIAN.v))
    assert torch.allclose(distance(x), torch.tensor(2.0).double(), atol=1e-6)
    assert torch.allclose(x - free, (2.0 - distance(free))[:, None] * direction, atol=1e-6)


def test_a_share_is_of_what_is_missing() -> None:
    x, t = GAUSSIAN.start(), torch.full((len(GAUSSIAN.start()),), 0.3).double()
    expected = [
        PATH.velocity_to_data(
            HyperplaneGuidance(GAUSSIAN.v, PATH, normal=NORMAL, intercept=-0.2, target=2.0, share=share)(x, t), x, t
        )
        for share in (0.0, 0.25)
    ]
    assert torch.allclose(2 - distance(expected[1]), 0.75 * (2 - distance(expected[0])))
    with pytest.raises(ValueError, match=r"the share of the way to a distance lies in \[0, 1\]; got 1.5"):
        HyperplaneGuidance(GAUSSIAN.v, PATH, normal=NORMAL, intercept=0.0, target=0.0, share=1.5)


def test_of_certain_data_the_error_falls_exponentially() -> None:
    end = torch.tensor([[0.3, -0.4, 0.9]]).double()
    certain = lambda x, t: (end - x) / (1 - t)  # noqa: E731
    guided = HyperplaneGuidance(certain, PATH, normal=NORMAL, intercept=0.0, target=0.0, strength=2.0)
    grid = torch.linspace(0, 0.9, 400, dtype=torch.float64)
    x = RK4().solve(guided, torch.zeros(1, 3).double(), grid).x
    assert x.isfinite().all()
    assert torch.allclose(guided(x, grid[-1]) - certain(x, grid[-1]), -2 * (end @ NORMAL)[:, None] * NORMAL, atol=1e-6)


def test_outside_of_its_interval_it_is_silent() -> None:
    x, t = GAUSSIAN.start(), torch.tensor([0.1, 0.4, 0.6, 0.9]).double()
    guided = HyperplaneGuidance(GAUSSIAN.v, PATH, normal=NORMAL, intercept=0.0, target=5.0, interval=(0.3, 0.7))
    change = (guided(x, t) - GAUSSIAN.v(x, t)).abs().amax(dim=1)
    assert (change > 0).tolist() == [False, True, True, False]
    assert torch.equal(guided(x, torch.tensor(0.8).double()), GAUSSIAN.v(x, torch.tensor(0.8).double()))
    for keys in ({"strength": -1.0}, {"interval": (0.7, 0.3)}):
        with pytest.raises(ValueError, match="strength of 0 or more and two rising times"):
            HyperplaneGuidance(GAUSSIAN.v, PATH, normal=NORMAL, intercept=0.0, target=0.0, **keys)


@pytest.mark.parametrize("solver", [Euler(), Heun()])
def test_an_input_is_respected_while_the_result_moves(solver: Euler | Heun) -> None:
    """Data consistency has the last word: shrunk again, the result is the input."""
    generator = torch.Generator().manual_seed(0)
    low = 0.2 + 0.6 * torch.rand(1, 3, 8, 8, generator=generator)
    mean = 2 * resize(low, scale=2) - 1
    velocity = lambda x, t: mean + (t * 0.01 - (1 - t)) / ((1 - t) ** 2 + t**2 * 0.01) * (x - t * mean)  # noqa: E731
    checks = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1  # of which shrinking sees nothing
    normal = checks.expand(3, 16, 16) / (3 * 256) ** 0.5
    results = []
    for target in (-1.0, 1.0):
        moved = HyperplaneGuidance(velocity, PATH, normal=normal, intercept=0.0, target=target, strength=20.0)
        led = DataConsistency(moved, PATH, Identity(), low, 2)
        start = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        results.append(solver.solve(led, start, torch.linspace(0, 1, 17)).x)
    for x in results:
        assert torch.allclose(resize((x + 1) / 2, scale=0.5), low, atol=2e-3)
    one, other = ((x * normal).sum() for x in results)
    assert float(other - one) > 1.0


@torch.no_grad()
def test_a_restoration_moves_along_an_attribute_and_keeps_its_input() -> None:
    flow = random_flow(
        scale=2, encoder={"type": "Identity"}, sampling={"num_intervals": 16, "solver": {"type": "Heun"}}
    )
    generator = torch.Generator().manual_seed(0)
    low, seeds = 0.4 + 0.2 * torch.rand(1, 3, 8, 8, generator=generator), torch.tensor([3])
    checks = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1
    normal = checks.expand(3, 16, 16) / (3 * 256) ** 0.5
    pipeline = flow.pipeline(replace(flow.sampling, consistency=True))
    keys = {"normal": normal, "intercept": 0.0, "strength": 20.0}
    ends = [
        replace(pipeline, lead=lambda v, d=d: HyperplaneGuidance(v, flow.path, target=d, **keys)).restore(low, seeds)
        for d in (-1.0, 1.0)
    ]
    for one in ends:
        assert torch.allclose(resize(one.image, scale=0.5), low, atol=2e-3)
    assert float(((ends[1].latent - ends[0].latent) * normal).sum()) > 1.0
