"""Moment matching posterior sampling: the velocity led by the likelihood, through the network's derivative."""

from itertools import pairwise

import torch
from torch import Tensor

from cfmrestore.inverse.base import InverseSolver, spread_of, times_images
from cfmrestore.inverse.problem import InverseProblem
from cfmrestore.ops.conjugate_gradients import conjugate_gradients
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.registry import INVERSE_SOLVERS
from cfmrestore.typing import Latent, Time, Velocity


@INVERSE_SOLVERS.register_module()
class MMPS(InverseSolver):
    r"""Euler steps to the mean of the data given x_t and y, for any operator that has a gradient.

    .. math::
        \hat x_1 = D(x_t, t), \qquad
        C_t = \operatorname{Cov}(x_1 | x_t) = \frac{(1 - t)^2}{t} \frac{\partial \hat x_1}{\partial x_t}, \qquad
        E[x_1 | x_t, y] \approx \hat x_1 + C_t J^\top (J C_t J^\top + \sigma^2 I)^{-1} (y - B(\hat x_1))

    and x_{t + h} lies on the straight line from x_t to there. Mean and covariance are exact, J is the Jacobian of B at
    :math:`\hat x_1`, and what is taken to be Gaussian is the law of x_1 given x_t. In the inverse, DPS (Chung et al.,
    2023, arXiv:2209.14687) leaves C_t out and tunes a step size, and PiGDM (Song et al., 2023; for flows Pokle et al.,
    2023, arXiv:2310.04432) has a multiple of the identity for it. At t = 0, where the network's derivative vanishes
    with t, C_t = I.

    Reference: Rozet et al., 2024 (MMPS, arXiv:2405.13712), for a velocity. Other paths have their
    :math:`\alpha_t, \sigma_t` in place of t and 1 - t.

    Args:
        steps: N, and as many evaluations.
        iterations: Of conjugate gradients for the inverse; a step takes one gradient of the network more than these.
    """

    needs_gradient = True

    def __init__(self, *, steps: int = 50, iterations: int = 3) -> None:
        super().__init__(steps=steps)
        if iterations < 1:
            raise ValueError(f"iterations is a whole number from 1; got {iterations}")
        self.iterations = iterations

    def walk(self, v: Velocity, x: Latent, problem: InverseProblem, path: Path, rng: ImageRng) -> Latent:
        x_1 = x
        for t, after in pairwise(self.times(x)):
            x_1, c = self._posterior_mean(v, x, t, problem, path), path.coefficients(t)
            x, _ = path.sample((x - c.alpha * x_1) / c.sigma, x_1, after)
        return x_1

    def _posterior_mean(self, v: Velocity, x: Latent, t: Time, problem: InverseProblem, path: Path) -> Latent:
        """E[x_1 | x_t, y]."""
        c = path.coefficients(t)
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            denoised = path.velocity_to_data(v(x, t), x, t)
        x_1 = denoised.detach()

        def covariance(w: Tensor) -> Tensor:
            if float(c.alpha) < 1e-6:
                return spread_of(path, t) ** 2 * w
            (gradient,) = torch.autograd.grad(denoised, x, w, retain_graph=True)
            return c.sigma**2 / c.alpha * gradient

        def system(u: Tensor) -> Tensor:
            return problem.push(x_1, covariance(problem.pull(x_1, u))) + times_images(problem.sigma**2, u)

        u = conjugate_gradients(system, problem.residual(x_1), iterations=self.iterations)
        return x_1 + covariance(problem.pull(x_1, u))
