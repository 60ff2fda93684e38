"""The Dormand-Prince 5(4) method: the step follows the error, for each image by itself."""

from dataclasses import dataclass

import torch
from torch import Tensor

from cfmrestore.ops.broadcast import expand_as
from cfmrestore.registry import SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.typing import Diffusion, Latent, PerImage, Time, Velocity

# Dormand and Prince, 1980, table 2; the last row of A is the solution, E its difference from the fourth-order one.
_C = (0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1)
_A = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_E = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


@dataclass
class _Memory:
    k_1: Tensor | None = None  # the velocity at the current point: the last stage of the step before
    h: Tensor | None = None  # the step that the error allows, one an image


@SOLVERS.register_module()
class DoPri5(Solver):
    r"""Embedded Runge-Kutta pair of orders 5 and 4 with seven stages, of which the last is the next step's first.

    A step from x to y is accepted where :math:`\| e / (a + r \max(|x|, |y|)) \|_{\mathrm{rms}} \le 1`, with the error
    estimate e; the next step is :math:`0.9\, \|\cdot\|^{-1/5}` as long, between a fifth and ten times. Steps are chosen
    for each image by itself, so that an image does not depend on its batch; evaluations are those of the whole batch.

    Reference: Dormand and Prince, 1980; first step after Hairer, Norsett and Wanner, 1993, section II.4.

    Args:
        rtol: Relative tolerance r.
        atol: Absolute tolerance a.
        adaptive: Without, each interval of the grid is one step.
        max_evals: Evaluations in one interval of the grid, after which it is given up.
    """

    order = 5
    evals_per_step = 6
    startup_evals = 1

    def __init__(
        self, *, rtol: float = 1e-3, atol: float = 1e-4, adaptive: bool = True, max_evals: int = 10_000
    ) -> None:
        if not (rtol > 0 and atol > 0):
            raise ValueError(f"tolerances must be positive; got {rtol=}, {atol=}")
        self.rtol, self.atol, self.adaptive, self.max_evals = rtol, atol, adaptive, max_evals

    def nfe(self, num_intervals: int) -> int | None:
        return None if self.adaptive else super().nfe(num_intervals)

    def start(self, x: Latent, diffusion: Diffusion | None) -> _Memory:
        return _Memory()

    def _stages(self, v: Velocity, x: Latent, t: Time, h: Time, k_1: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The new point, its velocity and the error estimate."""
        step = expand_as(h, x)
        k, y = [k_1], x
        for c, row in zip(_C[1:], _A[1:], strict=True):
            y = x + step * sum(a * k_j for a, k_j in zip(row, k, strict=True) if a)
            k.append(v(y, t + c * h))
        error = step * sum(e * k_j for e, k_j in zip(_E, k, strict=True) if e)
        return y, k[-1], error

    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: _Memory) -> tuple[Latent, _Memory]:
        if self.adaptive:
            return self._adaptive_steps(v, x, t, h, memory)
        k_1 = v(x, t) if memory.k_1 is None else memory.k_1
        y, k_7, _ = self._stages(v, x, t, h, k_1)
        return y, _Memory(k_7, memory.h)

    def _adaptive_steps(self, v: Velocity, x: Latent, t: Time, h: Time, memory: _Memory) -> tuple[Latent, _Memory]:
        """The interval in as many steps as the error requires."""
        end, sign = t + h, torch.sign(h)
        now = t.expand(x.shape[0]).clone()
        k_1 = v(x, now) if memory.k_1 is None else memory.k_1
        size = self._first_step(v, x, now, h, k_1) if memory.h is None else memory.h
        evals = 0
        while bool((todo := (end - now).abs()).any()):
            last = size >= todo
            step = torch.where(last, todo, size)
            y, k_7, error = self._stages(v, x, now, sign * step, k_1)
            ratio = self._rms(error / (self.atol + self.rtol * torch.maximum(x.abs(), y.abs())))
            accept = ratio <= 1
            keep = expand_as(accept, x)
            x, k_1 = torch.where(keep, y, x), torch.where(keep, k_7, k_1)
            now = torch.where(accept, torch.where(last, end, now + sign * step), now)
            factor = (0.9 * ratio.clamp_min(1e-10) ** (-1 / self.order)).clamp(0.2, 10)
            size = torch.where(accept & last, torch.maximum(size, step * factor), step * factor)
            evals += self.evals_per_step
            if evals > self.max_evals or not bool(ratio.isfinite().all()):
                raise ValueError(
                    f"DoPri5 did not reach rtol={self.rtol}, atol={self.atol} within {evals} evaluations "
                    f"(error ratio {ratio.max():.3g}); loosen the tolerances or take a method of fixed steps"
                )
        return x, _Memory(k_1, size)

    @staticmethod
    def _rms(x: Tensor) -> PerImage:
        return x.flatten(1).square().mean(dim=1).sqrt()

    def _first_step(self, v: Velocity, x: Latent, t: PerImage, h: Tensor, k_1: Tensor) -> PerImage:
        """A step over which an explicit Euler step, and the change of the velocity, stay small (Hairer, II.4)."""
        sign, scale = torch.sign(h), self.atol + self.rtol * x.abs()
        d_0, d_1 = self._rms(x / scale), self._rms(k_1 / scale)
        h_0 = (0.01 * d_0 / d_1.clamp_min(1e-10)).clamp(1e-6, 0.1).minimum(h.abs())
        k_2 = v(x + expand_as(sign * h_0, x) * k_1, t + sign * h_0)
        d_2 = self._rms((k_2 - k_1) / scale) / h_0
        h_1 = (0.01 / torch.maximum(d_1, d_2).clamp_min(1e-10)) ** (1 / self.order)
        return torch.minimum(100 * h_0, h_1)
