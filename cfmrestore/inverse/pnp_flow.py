"""PnP-Flow: gradient steps on the data term in turn with a flow as denoiser."""

import torch

from cfmrestore.inverse.base import InverseSolver, times_images
from cfmrestore.inverse.problem import InverseProblem
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.registry import INVERSE_SOLVERS
from cfmrestore.typing import Latent, Velocity


@INVERSE_SOLVERS.register_module()
class PnPFlow(InverseSolver):
    r"""Plug-and-play with the denoiser of a flow, which gets what it was trained on: points of its paths.

    .. math::
        z &= x + \gamma_t\, J^\top (y - B(x)), \qquad \gamma_t = \eta\, (1 - t)^\alpha / \|J\|^2 \\
        x &\leftarrow \frac1K \sum_{k=1}^K D(t z + (1 - t)\, \epsilon_k, t), \qquad \epsilon_k \sim N(0, I)

    Reference: Martin et al., 2025 (arXiv:2410.02423). There the step is not divided by the norm of the
    operator, J (that of B at x), which makes one :math:`\eta` do for shrinking and blurring alike; other paths have
    their :math:`\alpha_t, \sigma_t` in place of t and 1 - t. The noise level of y is not used.

    Args:
        steps: Number of times.
        draws: K; steps times draws are the evaluations.
        alpha: Exponent: with more of it, the end is smoother and less of the noise in y is left.
        rate: eta, below 2.
    """

    def __init__(self, *, steps: int = 50, draws: int = 2, alpha: float = 0.5, rate: float = 1.0) -> None:
        super().__init__(steps=steps)
        if draws < 1 or alpha < 0 or not 0 < rate < 2:
            raise ValueError(
                f"need draws from 1, alpha from 0, and a rate between 0 and 2; got {draws=}, {alpha=}, {rate=}"
            )
        self.draws = self.evals_per_step = draws
        self.alpha, self.rate = alpha, rate

    def walk(self, v: Velocity, x: Latent, problem: InverseProblem, path: Path, rng: ImageRng) -> Latent:
        x = torch.zeros_like(x)
        norm = problem.norm_squared(x).clamp_min(1e-12)
        for t in self.times(x)[:-1]:
            rate = self.rate * path.coefficients(t).sigma ** self.alpha / norm
            z = x + times_images(rate, problem.pull(x, problem.residual(x)))
            x = torch.zeros_like(z)
            for _ in range(self.draws):
                x_t, _ = path.sample(rng.normal(*z.shape[1:]).to(z), z, t)
                x = x + path.velocity_to_data(v(x_t, t), x_t, t) / self.draws
        return x
