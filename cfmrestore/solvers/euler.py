"""Euler's method: the first-order solver, exact on straight paths."""

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Latent, Time, Velocity


@SOLVERS.register_module()
class Euler(Solver):
    r"""Explicit Euler rule.

    .. math:: x_{n+1} = x_n + h\, v(x_n, t_n)
    """

    order = 1
    evals_per_step = 1

    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: None) -> tuple[Latent, None]:
        return x + h * v(x, t), memory
