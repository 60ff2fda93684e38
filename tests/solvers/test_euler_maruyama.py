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


def velocity(path: Path):
    def v(x: Tensor, t: Tensor) -> Tensor:
        c = path.coefficients(t)
        variance = c.alpha**2 * S**2 + c.sigma**2 * B**2
        covariance = c.d_alpha * c.alpha * S**2 + c.d_sigma * c.sigma * B**2
        return c.d_alpha * M + c.d_sigma * A + covariance / variance * (x - c.alpha * M - c.sigma * A)

    return v


def run(path: Path, form: str, mean: float, intervals: int) -> Tensor:
    rng = ImageRng(range(BATCH))
    x = A + B * rng.fork("start").normal(DIM).double()
    diffusion = PathDiffusion(path, torch.full_like(x, mean), torch.full_like(x, B), rng.fork("noise"))
    grid = UniformGrid()(intervals)
    return EulerMaruyama(diffusion=form, last_step="mean").solve(velocity(path), x, grid, diffusion=diffusion).x


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


def test_backward_the_source_is_found() -> None:
    path, rng = Linear(), ImageRng(range(BATCH))
    t = 0.9  # the score is infinite at 1
    spread = (t**2 * S**2 + (1 - t) ** 2 * B**2) ** 0.5
    x = t * M + (1 - t) * A + spread * rng.fork("start").normal(DIM).double()
    diffusion = PathDiffusion(path, torch.full_like(x, A), torch.full_like(x, B), rng.fork("noise"))
    grid = torch.linspace(t, 0, 200, dtype=torch.float64)
    x = EulerMaruyama(diffusion="sigma").solve(velocity(path), x, grid, diffusion=diffusion).x
    assert abs(float(x.mean()) - A) < 0.02
    assert abs(float(x.std()) - B) < 0.02


def test_the_same_seed_gives_the_same_sample_in_any_batch() -> None:
    path = Linear()

    def sample(seeds: list[int]) -> Tensor:
        x = ImageRng(seeds).normal(4)
        law = PathDiffusion(path, torch.full_like(x, A), torch.full_like(x, B), ImageRng(seeds).fork("noise"))
        return EulerMaruyama().solve(velocity(path), x, UniformGrid()(8), diffusion=law).x

    assert torch.equal(sample([1, 2, 3])[1:2], sample([2]))
