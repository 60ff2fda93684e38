"""Where the data are Gaussian the posterior is known, and what each method makes of it."""

import pytest
import torch
from torch import Tensor

from cfmrestore.contracts.inverse_solvers import velocity
from cfmrestore.inverse import MMPS, Flower, InverseSolver, PnPFlow
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths import Linear
from cfmrestore.typing import Velocity
from tests.inverse.problems import HOLE, SIDE, SIGMA, gray_with_a_hole, jacobian, posterior

COUNT = 4000
ERRORS = 5  # standard errors, which of a hundred numbers none leaves but once in ten thousand runs; seeds are fixed


def draws(solver: InverseSolver, count: int = COUNT, sigma: float = SIGMA, v: Velocity = velocity) -> Tensor:
    rng = ImageRng(range(count))
    start = rng.fork("start").normal(3, SIDE, SIDE).double()
    return solver.solve(v, start, gray_with_a_hole(count, sigma), Linear(), rng).x.flatten(1)


def assert_mean(x: Tensor, mean: Tensor) -> None:
    error = x.std(dim=0) / len(x) ** 0.5
    assert bool(((x.mean(dim=0) - mean).abs() < ERRORS * error + 2e-3).all()), (x.mean(dim=0), mean)


def assert_covariance(x: Tensor, covariance: Tensor) -> None:
    """The standard error of an entry is sqrt((S_ij^2 + S_ii S_jj) / n)."""
    variance = covariance.diagonal()
    error = ((covariance**2 + variance[:, None] * variance) / len(x)).sqrt()
    assert bool(((x.T.cov() - covariance).abs() < ERRORS * error + 2e-3).all())


def test_flower_draws_from_the_posterior_in_any_number_of_steps() -> None:
    """x_0 is a draw of p(x_0); where x_t is one of p(x_t | y), x_1 is one of p(x_1 | x_t, y), and so of p(x_1 | y)."""
    mean, covariance = posterior(gray_with_a_hole(1))
    for steps in (1, 3):
        x = draws(Flower(steps=steps, gamma=1.0))
        assert_mean(x, mean)
        assert_covariance(x, covariance)


def test_flower_without_draws_has_the_posterior_mean_and_less_spread() -> None:
    r"""All is linear, so that the mean is that of gamma = 1. In the hole, where :math:`\tilde x_1 = t / c\; x_t` with
    c = t^2 + (1 - t)^2, the variance follows V <- t^2 / c^2 ((1 - t)^2 + t^2 V).
    """
    x = draws(Flower(steps=6, gamma=0.0))
    mean, covariance = posterior(gray_with_a_hole(1))
    assert_mean(x, mean)
    v = 0.0
    for t in (n / 6 for n in range(6)):
        c = t**2 + (1 - t) ** 2
        v = t**2 / c**2 * ((1 - t) ** 2 + t**2 * v)
    hole = HOLE.expand(1, 3, -1, -1).flatten().bool()
    assert torch.allclose(x[:, hole].var(dim=0), torch.tensor(v).double(), rtol=ERRORS * (2 / COUNT) ** 0.5)
    assert bool((x.var(dim=0) < covariance.diagonal()).all())


def velocity_to(mean: float, std: float) -> Velocity:
    """Of the straight path from N(0, I) to N(m, s^2 I)."""

    def v(x: Tensor, t: Tensor) -> Tensor:
        return mean + (t * std**2 - (1 - t)) / ((1 - t) ** 2 + t**2 * std**2) * (x - t * mean)

    return v


@pytest.mark.parametrize(("mean", "std", "steps"), [(0.0, 1.0, 16), (0.2, 0.3, 16), (0.2, 0.3, 64), (-0.5, 2.0, 64)])
def test_mmps_follows_the_flow_to_the_posterior(mean: float, std: float, steps: int) -> None:
    r"""The mean of data given x_t and y is exact but at t = 0, where the covariance of the data is taken for I, and the
    mean is e_0, of such data. So the steps are Euler's on the flow from N(0, I) to the posterior N(m, S), from h on.

    Those keep the mean of the points, t m, and multiply what deviates from it along an eigenvector of variance s^2 by
    1 + h (t s^2 - (1 - t)) / ((1 - t)^2 + t^2 s^2) at each step: the noise, of which 1 - h is left at h, and
    h (e_0 - m). With 64 steps less than a hundredth of the way from the
    data's mean to m is left of the latter, and less than a tenth of the variance is missing.
    """
    problem, h = gray_with_a_hole(1), 1 / steps
    m, covariance = posterior(problem, mean, std)
    variance, vectors = torch.linalg.eigh(covariance)
    factor = torch.ones_like(variance)
    for t in (n * h for n in range(1, steps)):
        factor *= 1 + h * (t * variance - (1 - t)) / ((1 - t) ** 2 + t**2 * variance)
    first, _ = posterior(problem, mean)
    left = vectors @ (factor * (vectors.T @ (h * (first - m))))
    x = draws(MMPS(steps=steps, iterations=4), v=velocity_to(mean, std))
    assert_mean(x, m + left)
    assert_covariance(x, vectors @ torch.diag((factor * (1 - h)) ** 2) @ vectors.T)
    if steps == 64:
        assert left.norm() < 0.01 * (m - mean).norm()
        assert 0.9 < float((factor * (1 - h)).square().sum() / variance.sum()) < 1


@pytest.mark.parametrize(("mean", "std", "nearest", "spread"), [(0.2, 0.3, 0.3, 0.15), (-0.5, 2.0, 0.05, 0.15)])
def test_flower_on_data_of_another_spread(mean: float, std: float, nearest: float, spread: float) -> None:
    r"""It takes the spread of x_1 given x_t for that of N(0, I), and draws from nearly the posterior alone.

    Along a direction that J stretches by j, with e = j^2 / sigma^2 and the posterior mean p of data N(u, nu^2), where
    u = m + t s^2 / ((1 - t)^2 + t^2 s^2) (x_t - t m), the draw is N(p, 1 / (1 / nu^2 + e)), and x_{t + h} is a draw of
    the path to it. After 50 steps its mean and variance are off by so much of the way to the posterior's, and of that.
    """
    steps, problem = 50, gray_with_a_hole(1)
    j = jacobian(problem)
    stretch, vectors = torch.linalg.eigh(j.T @ j)
    e = stretch.clamp_min(0) / SIGMA**2
    y = problem.residual(torch.zeros(1, 3, SIDE, SIDE, dtype=torch.float64))[0].flatten()
    seen, prior = vectors.T @ (j.T @ y) / SIGMA**2, vectors.T @ torch.full((len(e),), mean, dtype=torch.float64)
    m, variance = torch.zeros_like(e), torch.ones_like(e)
    for t in (n / steps for n in range(steps)):
        nu, gain = (1 - t) ** 2 / (t**2 + (1 - t) ** 2), t * std**2 / ((1 - t) ** 2 + t**2 * std**2)
        precision = 1 / nu + e
        drawn = (
            ((prior + gain * (m - t * prior)) / nu + seen) / precision,
            (gain / nu / precision) ** 2 * variance + 1 / precision,
        )
        after = t + 1 / steps
        m, variance = after * drawn[0], after**2 * drawn[1] + (1 - after) ** 2
    x = draws(Flower(steps=steps, gamma=1.0), v=velocity_to(mean, std))
    assert_mean(x, vectors @ drawn[0])
    assert_covariance(x, vectors @ torch.diag(drawn[1]) @ vectors.T)
    right, covariance = posterior(problem, mean, std)
    assert (vectors @ drawn[0] - right).norm() < nearest * (right - mean).norm()
    assert abs(float(drawn[1].sum() / covariance.trace()) - 1) < spread


def test_pnp_flow_follows_its_recursion() -> None:
    r"""With c = t^2 + (1 - t)^2, gray and eta = 1 the part g of x that J sees goes to t^2/c (g + (1-t)^a (y - g)).

    Its variance goes to (t/c)^2 (t^2 (1 - (1-t)^a)^2 V + (1-t)^2 / K).
    """
    steps, alpha, k = 8, 1.0, 2
    problem = gray_with_a_hole(1)
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    x = draws(PnPFlow(steps=steps, alpha=alpha, draws=k)).reshape(COUNT, 3, SIDE, SIDE)
    seen = torch.einsum("c,bchw->bhw", weights, x)[:, 1] / weights.norm()  # a row without hole
    residual = problem.residual(torch.zeros(1, 3, SIDE, SIDE, dtype=torch.float64))[0, :, 1]
    target = 2 * residual.mean(dim=0) / weights.norm()  # of the three equal channels the best gray
    m, v = torch.zeros_like(target), 0.0
    for t in (n / steps for n in range(steps)):
        c, rate = t**2 + (1 - t) ** 2, (1 - t) ** alpha
        m = t**2 / c * (m + rate * (target - m))
        v = (t / c) ** 2 * (t**2 * (1 - rate) ** 2 * v + (1 - t) ** 2 / k)
    assert_mean(seen, m)
    assert torch.allclose(seen.var(dim=0), torch.tensor(v).double(), rtol=ERRORS * (2 / COUNT) ** 0.5 + 0.02)


def test_pnp_flow_meets_the_posterior_mean_slowly() -> None:
    """With alpha = 2 and at t, it stands still at t^2 e / (1 + t^2 e) y, which at t = 1 is the posterior mean where the
    rate is e = |J|^2 / sigma^2. Each step takes (1 + e)(1 - t)^2 off what is left to go, which dies down at the end:
    from 1 - t_f = (3 / (N (1 + e)))^(1/3) on it stays, and there it is less than 2 (1 - t_f) / (1 + e) of the mean.
    """
    steps, sigma, count = 300, 0.5, 400
    problem = gray_with_a_hole(1, sigma)
    eta = float(torch.linalg.matrix_norm(jacobian(problem), 2)) ** 2 / sigma**2
    x = draws(PnPFlow(steps=steps, alpha=2.0, rate=eta, draws=1), count, sigma)
    mean, _ = posterior(problem)
    bound = 2 * (3 / (steps * (1 + eta))) ** (1 / 3) / (1 + eta)
    along = x @ mean / mean.square().sum()  # 1 on average, were it met
    assert abs(float(along.mean()) - 1) < bound + ERRORS * float(along.std()) / count**0.5
