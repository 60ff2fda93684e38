"""The classical Runge-Kutta method: fourth order in four stages."""

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Latent, Time, Velocity


@SOLVERS.register_module()
class RK4(Solver):
    r"""The Runge-Kutta method of 1901 (Kutta); not the 3/8 rule that some libraries call rk4.

    .. math::
        k_1 &= v(x_n, t_n) \\
        k_2 &= v(x_n + \tfrac{h}{2} k_1, t_n + \tfrac{h}{2}) \\
        k_3 &= v(x_n + \tfrac{h}{2} k_2, t_n + \tfrac{h}{2}) \\
        k_4 &= v(x_n + h k_3, t_n + h) \\
        x_{n+1} &= x_n + \tfrac{h}{6} (k_1 + 2 k_2 + 2 k_3 + k_4)
    """

    order = 4
    evals_per_step = 4

    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: None) -> tuple[Latent, None]:
        k_1 = v(x, t)
        k_2 = v(x + h / 2 * k_1, t + h / 2)
        k_3 = v(x + h / 2 * k_2, t + h / 2)
        k_4 = v(x + h * k_3, t + h)
        return x + h / 6 * (k_1 + 2 * k_2 + 2 * k_3 + k_4), memory
