"""Steps of a flow map: exact for one that is, however few they are."""

from typing import cast

from torch import Tensor

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solution, Solver
from cfmrestore.typing import FlowMap, Grid, Latent, Time, Velocity


@SOLVERS.register_module()
class FlowMapEuler(Solver):
    r"""One evaluation of a flow map an interval.

    .. math:: x_{n+1} = x_n + h\, u(x_n, t_n, t_n + h)

    With :math:`u(x, t, t) = v(x, t)` in place of u it is Euler's method.

    Reference: Boffi et al., 2024 (arXiv:2406.07507).

    Args:
        dial: Take a fidelity between 0 and 1 as a part of the way (``solve_towards``), for networks that were trained
            on all parts of it; otherwise mean and sample are mixed, for an evaluation more.
    """

    order = 1
    evals_per_step = 1
    needs_flow_map = True

    def __init__(self, *, dial: bool = False) -> None:
        self.dial = dial

    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: None) -> tuple[Latent, None]:
        return x + h * cast(FlowMap, v)(x, t, t + h), memory

    def solve_towards(self, u: FlowMap, x: Latent, grid: Grid, *, share: float) -> Solution:
        r"""Between the mean of the data and a sample of it, on a straight path, by as many evaluations as intervals.

        On the grid shrunk to the share s of the way, the last mean velocity is followed straight on to the end,

        .. math:: x_{1|s} = x_{t} + (1 - t)\, u(x_{t}, t, s), \qquad t = s\, t_{K-1} .

        s = 1 is a sample, and for s to 0 the result goes to :math:`x_0 + v(x_0, 0) = E[x_1 | x_0]`.

        Reference: Zhu et al., 2024 (arXiv:2412.09465), whose student of one evaluation has this dial.
        """
        part = share * grid
        head = self.solve(cast(Velocity, u), x, part[:-1]) if len(part) > 2 else Solution(x, 0)
        t, s = part[-2:].to(x.device, x.dtype, non_blocking=True)
        end: Tensor = head.x + (1 - t) * u(head.x, t, s)
        return Solution(end, head.nfe + 1)
