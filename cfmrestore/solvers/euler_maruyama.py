"""The Euler-Maruyama method: sampling with noise on the way, at the same marginals."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.suggestions import nearest
from cfmrestore.typing import Coefficients, Diffusion, Latent, Time, Velocity

# The forms of SiT (Ma et al., 2024, arXiv:2401.08740), as its code has them, as functions of the path and of time.
FORMS: dict[str, Callable[[Coefficients, Tensor], Tensor]] = {
    "constant": lambda c, t: torch.ones_like(t),
    "sbdm": lambda c, t: c.d_alpha / c.alpha * c.sigma**2 - c.sigma * c.d_sigma,
    "sigma": lambda c, t: c.sigma,
    "linear": lambda c, t: 1 - t,
    "decreasing": lambda c, t: (torch.cos(math.pi * t) + 1) ** 2 / 4,
    "increasing-decreasing": lambda c, t: torch.sin(math.pi * t) ** 2,
}


@SOLVERS.register_module()
class EulerMaruyama(Solver):
    r"""Integrates the SDE whose marginals :math:`p_t` are those of the ODE.

    .. math::
        dx = \left( v + D_t s^2 \nabla \log p_t(x) \right) dt + s \sqrt{2 D_t}\, dW, \qquad
        x_{n+1} = x_n + h v + |h| D_t s^2 \nabla \log p_t + s \sqrt{2 D_t |h|}\, \xi

    One evaluation serves velocity and score. Backward (h < 0) it integrates the reverse-time SDE of the same marginals.
    The standard deviation s is the source's, element by element. With s = 1 these are the forms of SiT; without it, a
    source of small noise would be pushed by steps longer than its own width, and diverge. Three kinds of step are the
    ODE's, which has these marginals too: where the score is infinite (sigma_t = 0), where D_t is (sbdm at t = 0), and
    where a backward step ends at the source.

    Args:
        diffusion: Form of D_t: constant, sbdm, sigma, linear, decreasing or increasing-decreasing.
        norm: Factor on D_t; 0 is Euler's method.
        last_step: What the step that ends at the data does: "mean" leaves the noise out, "euler" is the ODE's,
            "noise" is as the others.
    """

    order = 1
    evals_per_step = 1

    def __init__(self, *, diffusion: str = "sigma", norm: float = 1.0, last_step: str = "mean") -> None:
        if diffusion not in FORMS:
            raise ValueError(f"unknown diffusion {diffusion!r}; {nearest(diffusion, FORMS)}")
        if last_step not in ("mean", "euler", "noise") or norm < 0:
            raise ValueError(f"need last_step of mean, euler, noise and norm >= 0; got {last_step!r}, {norm}")
        self.diffusion, self.norm, self.last_step = diffusion, norm, last_step

    def start(self, x: Latent, diffusion: Diffusion | None) -> Diffusion | None:
        if diffusion is None and self.norm > 0:
            raise ValueError(
                "EulerMaruyama needs the law of a random source: give the coupling noise (sampling.noise above 0) "
                "and the network its context (and noise level, where that varies), or take a solver without noise"
            )
        return diffusion

    def step(
        self, v: Velocity, x: Latent, t: Time, h: Time, memory: Diffusion | None
    ) -> tuple[Latent, Diffusion | None]:
        v_n = v(x, t)
        if memory is None or self.norm == 0:
            return x + h * v_n, memory
        d = self.norm * FORMS[self.diffusion](memory.coefficients(t), t)
        at_data, at_source = bool(t + h >= 1 - 1e-6), bool(t + h <= 1e-6)
        regular = bool(d.isfinite()) and bool(d > 0) and bool(memory.coefficients(t).sigma > 1e-6)
        if not regular or at_source or (at_data and self.last_step == "euler"):
            return x + h * v_n, memory
        x = x + h * v_n + h.abs() * d * memory.pull(v_n, x, t)
        if not (at_data and self.last_step == "mean"):
            x = x + (2 * d * h.abs()).sqrt() * memory.noise(x)
        return x, memory
