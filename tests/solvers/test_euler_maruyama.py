"""The SDE has the marginals of the ODE, for noise alone and for a coupled source."""

import pytest
import torch
from torch import Tensor

from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths import GVP, Linear, Path, PathDiffusion
from cfmrestore.solvers import EulerMaruyama
from cfmrestore.solvers.euler_maruyama import FORMS
from cfmrestore.solvers.grids import UniformGrid

# x_0 ~ N(a, b^2) and x_1 ~ N(m, s^2), independent given the image: all marginals are normal and known.
A, B, M, S = 1.5, 0.6, -0.5, 0.3
BATCH, DIM = 64, 512


def velocity(path: Path, b: float = B):
    def v(x: Tensor, t: Tensor) -> Tensor:
        c = path.coefficients(t)
        variance = c.alpha**2 * S**2 + c.sigma**2 * b**2
        covariance = c.d_alpha * c.alpha * S**2 + c.d_sigma * c.sigma * b**2
        return c.d_alpha * M + c.d_sigma * A + covariance / variance * (x - c.alpha * M - c.sigma * A)

    return v


def run(path: Path, form: str, mean: float, intervals: int, b: float = B, backward: bool = False) -> Tensor:
    """From the source to the data with a source of standard deviation b, or the other way."""
    rng = ImageRng(range(BATCH))
    start = (M, S) if backward else (A, b)
    x = start[0] + start[1] * rng.fork("start").normal(DIM)
    diffusion = PathDiffusion(path, torch.full_like(x, mean), torch.full_like(x, b), rng.fork("noise"))
    grid = UniformGrid()(intervals)
    solver = EulerMaruyama(diffusion=form, last_step="mean")
    return solver.solve(velocity(path, b), x, grid.flip(0) if backward else grid, diffusion=diffusion).x


def check_marginal(path: Path, form: str, mean: float) -> None:
    x = run(path, form, mean, intervals=200)
    assert abs(float(x.mean()) - M) < 0.02
    assert abs(float(x.std()) - S) < 0.02


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("path", [Linear(), GVP()], ids=["linear", "gvp"])
def test_the_end_has_the_law_of_the_data(path: Path, form: str) -> None:
    check_marginal(path, form, mean=A)


def test_the_score_of_plain_noise_is_rejected() -> None:
    """The mutant: a score for N(0, b^2), where the source has a mean."""
    with pytest.raises(AssertionError):
        check_marginal(Linear(), "sigma", mean=0.0)


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("path", [Linear(), GVP()], ids=["linear", "gvp"])
def test_backward_the_source_is_found(path: Path, form: str) -> None:
    """From t = 1 itself, where the score is infinite."""
    x = run(path, form, A, intervals=400, backward=True)
    slack = 0.1 if form == "sbdm" else 0.03  # its D is 1 / t: the last steps are long, however many there are
    assert abs(float(x.mean()) - A) < slack
    assert abs(float(x.std()) - B) < slack


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("intervals", [4, 10, 40])
def test_a_source_of_little_noise_does_not_diverge(form: str, intervals: int) -> None:
    """With noise of 0.1 and few steps, where a diffusion that forgets the source's scale explodes."""
    x = run(Linear(), form, A, intervals, b=0.1)
    assert abs(float(x.mean()) - M) < 0.1
    assert 0.1 < float(x.std()) < 0.35  # an Euler step of the ODE is as coarse


def test_the_same_seed_gives_the_same_sample_in_any_batch() -> None:
    path = Linear()

    def sample(seeds: list[int]) -> Tensor:
        x = ImageRng(seeds).normal(4)
        law = PathDiffusion(path, torch.full_like(x, A), torch.full_like(x, B), ImageRng(seeds).fork("noise"))
        return EulerMaruyama().solve(velocity(path), x, UniformGrid()(8), diffusion=law).x

    assert torch.equal(sample([1, 2, 3])[1:2], sample([2]))
