"""The two-step Adams-Bashforth method: second order at one evaluation a step."""

from torch import Tensor

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Latent, Time, Velocity


@SOLVERS.register_module()
class AB2(Solver):
    r"""Extrapolates the velocity of the previous step, on any grid.

    .. math::
        r = h_n / h_{n-1}, \qquad
        x_{n+1} = x_n + h_n \left( (1 + \tfrac{r}{2})\, v_n - \tfrac{r}{2}\, v_{n-1} \right)

    The first step has no past and is Heun's, which costs one evaluation more.

    Reference: Hairer, Norsett and Wanner, 1993, section III.5 (variable step sizes).
    """

    order = 2
    evals_per_step = 1
    startup_evals = 1

    def step(
        self, v: Velocity, x: Latent, t: Time, h: Time, memory: tuple[Tensor, Tensor] | None
    ) -> tuple[Latent, tuple[Tensor, Tensor]]:
        v_n = v(x, t)
        if memory is None:
            return x + h / 2 * (v_n + v(x + h * v_n, t + h)), (v_n, h)
        v_past, h_past = memory
        r = h / h_past
        return x + h * ((1 + r / 2) * v_n - r / 2 * v_past), (v_n, h)
