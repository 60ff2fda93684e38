"""Kutta's third-order method."""

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Latent, Time, Velocity


@SOLVERS.register_module()
class Kutta3(Solver):
    r"""Explicit Runge-Kutta rule of three stages.

    .. math::
        k_1 &= v(x_n, t_n) \\
        k_2 &= v(x_n + \tfrac{h}{2} k_1, t_n + \tfrac{h}{2}) \\
        k_3 &= v(x_n - h k_1 + 2 h k_2, t_n + h) \\
        x_{n+1} &= x_n + \tfrac{h}{6} (k_1 + 4 k_2 + k_3)

    Reference: Kutta, 1901.
    """

    order = 3
    evals_per_step = 3

    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: None) -> tuple[Latent, None]:
        k_1 = v(x, t)
        k_2 = v(x + h / 2 * k_1, t + h / 2)
        k_3 = v(x - h * k_1 + 2 * h * k_2, t + h)
        return x + h / 6 * (k_1 + 4 * k_2 + k_3), memory
