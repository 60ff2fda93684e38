"""Problems whose posterior is known: data that are Gaussian in the latent, under gray and a hole."""

import torch
from torch import Tensor

from cfmrestore.contracts.inverse_solvers import problem_of
from cfmrestore.degradations import ForwardOperator, Grayscale
from cfmrestore.degradations.base import NoParams
from cfmrestore.encoders import Identity
from cfmrestore.inverse import InverseProblem

SIDE, SIGMA = 2, 0.3
HOLE = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64).expand(1, 1, SIDE, SIDE)


def gray_with_a_hole(count: int, sigma: float = SIGMA) -> InverseProblem:
    """The same y in the whole batch."""
    operator = ForwardOperator(((Grayscale(), NoParams()),), sigma, lambda size: HOLE)
    y = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return problem_of(operator, y.expand(count, -1, -1, -1), Identity())


def jacobian(problem: InverseProblem) -> Tensor:
    """J as a matrix, from what it makes of the unit vectors."""
    n = 3 * SIDE * SIDE
    units = torch.eye(n, dtype=torch.float64).reshape(n, 3, SIDE, SIDE)
    return problem.push(units, units).flatten(1).T


def posterior(problem: InverseProblem, mean: float = 0.0, std: float = 1.0) -> tuple[Tensor, Tensor]:
    r"""Of data N(m, s^2 I): S = (I / s^2 + J'J / sigma^2)^-1 and m + S J'(y - B(m)) / sigma^2."""
    j, variance = jacobian(problem), float(problem.sigma[0]) ** 2
    covariance = torch.linalg.inv(torch.eye(j.shape[1], dtype=torch.float64) / std**2 + j.T @ j / variance)
    y = problem.residual(torch.full((1, 3, SIDE, SIDE), mean, dtype=torch.float64))[0].flatten()
    return mean + covariance @ j.T @ y / variance, covariance
