"""Heun's method: the second-order solver that EDM samples with."""

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Latent, Time, Velocity


@SOLVERS.register_module()
class Heun(Solver):
    r"""Explicit trapezoidal rule.

    .. math::
        k_1 &= v(x_n, t_n) \\
        k_2 &= v(x_n + h k_1, t_n + h) \\
        x_{n+1} &= x_n + \tfrac{h}{2} (k_1 + k_2)

    Reference: Karras et al., 2022, Algorithm 1 (arXiv:2206.00364), written for a velocity and without its Euler last
    step: v is finite at t = 1.
    """

    order = 2
    evals_per_step = 2

    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: None) -> tuple[Latent, None]:
        k_1 = v(x, t)
        k_2 = v(x + h * k_1, t + h)
        return x + h / 2 * (k_1 + k_2), memory
