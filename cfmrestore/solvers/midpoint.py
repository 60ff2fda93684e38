"""The midpoint rule: second order, with one look ahead to the middle of the step."""

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Latent, Time, Velocity


@SOLVERS.register_module()
class Midpoint(Solver):
    r"""Explicit midpoint rule, also called the modified Euler method; not Heun's.

    .. math::
        k_1 &= v(x_n, t_n) \\
        k_2 &= v(x_n + \tfrac{h}{2} k_1, t_n + \tfrac{h}{2}) \\
        x_{n+1} &= x_n + h k_2
    """

    order = 2
    evals_per_step = 2

    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: None) -> tuple[Latent, None]:
        k_1 = v(x, t)
        k_2 = v(x + h / 2 * k_1, t + h / 2)
        return x + h * k_2, memory
