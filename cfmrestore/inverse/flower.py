"""FLOWER: a flow's guess of the data, moved to agree with what was observed, at every time."""

from itertools import pairwise

from cfmrestore.inverse.base import InverseSolver, spread_of, times_images
from cfmrestore.inverse.problem import InverseProblem
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths.base import Path
from cfmrestore.registry import INVERSE_SOLVERS
from cfmrestore.typing import Latent, Velocity


@INVERSE_SOLVERS.register_module()
class Flower(InverseSolver):
    r"""Estimate the destination, refine it, go on a path to it from new noise.

    .. math::
        \hat x_1 &= D(x_t, t), \qquad \nu_t = (1 - t) / \sqrt{t^2 + (1 - t)^2} \\
        \tilde x_1 &= \arg\min_x \frac{\|y' - B(x)\|^2}{2 \sigma^2} + \frac{\|x - x'\|^2}{2 \nu_t^2},
            \qquad x' \sim N(\hat x_1, \gamma^2 \nu_t^2 I), \quad y' \sim N(y, \gamma^2 \sigma^2 I) \\
        x_{t + h} &= (t + h)\, \tilde x_1 + (1 - t - h)\, \epsilon, \qquad \epsilon \sim N(0, I)

    With :math:`\gamma = 1`, :math:`\tilde x_1` is drawn from the posterior of the prior :math:`N(\hat x_1, \nu_t^2 I)`;
    with :math:`\gamma = 0` it is its mean, which is nearer to the image and smoother. Where the data are N(0, I), N
    steps with :math:`\gamma = 1` draw from the posterior exactly, for any N.

    Reference: Pourya, El Rawas and Unser, 2025 (arXiv:2509.26287). The minimum is found by conjugate
    gradients in the space of y; other paths have their :math:`\alpha_t, \sigma_t` in place of t and 1 - t.

    Args:
        steps: N, and as many evaluations.
        gamma: From 0, the mean, to 1, a draw.
    """

    needs_linear = True

    def __init__(self, *, steps: int = 50, gamma: float = 0.0) -> None:
        super().__init__(steps=steps)
        if not 0 <= gamma <= 1:
            raise ValueError(f"gamma lies in [0, 1]; got {gamma}")
        self.gamma = gamma

    def walk(self, v: Velocity, x: Latent, problem: InverseProblem, path: Path, rng: ImageRng) -> Latent:
        y, sigma, x_1 = problem.observed, problem.sigma, x
        for t, after in pairwise(self.times(x)):
            x_1, nu = path.velocity_to_data(v(x, t), x, t), spread_of(path, t)
            near, told = x_1, y
            if self.gamma:
                near = x_1 + self.gamma * nu * rng.normal(*x.shape[1:]).to(x)
                noise = problem.operator.known(rng.normal(*y.shape[1:]).to(y))
                told = y + self.gamma * times_images(sigma, noise)
            x_1 = problem.prox(near, told, nu)
            x, _ = path.sample(rng.normal(*x.shape[1:]).to(x), x_1, after)
        return x_1
