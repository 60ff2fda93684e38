"""Flows whose velocity and map are both known, in float64, for t from 0 to 1."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class AnalyticFlow:
    """x_t = map(x_0, t) solves x' = v(x, t); v may be told where a step ends, which makes no difference to it."""

    name: str
    v: Callable[..., Tensor]
    map: Callable[[Tensor, Tensor], Tensor]
    dim: int = 3

    def __post_init__(self) -> None:
        v = self.v
        object.__setattr__(self, "v", lambda x, t, *r: v(x, t))

    def start(self, batch: int = 4) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return torch.rand(batch, self.dim, generator=generator, dtype=torch.float64) + 0.5


def _column(t: Tensor) -> Tensor:
    """A time, or one an image, that multiplies (b, d)."""
    return t if t.dim() == 0 else t[:, None]


_SHIFT = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
STRAIGHT = AnalyticFlow("straight", lambda x, t: _SHIFT.expand_as(x), lambda x, t: x + _column(t) * _SHIFT)

_A = torch.tensor([[-0.5, 1.0, 0.2], [-1.0, -0.3, 0.1], [0.3, 0.2, -0.8]], dtype=torch.float64)
LINEAR = AnalyticFlow("linear", lambda x, t: x @ _A.T, lambda x, t: x @ torch.matrix_exp(_A * t).T)

_M, _S = 0.7, 0.4


def _spread(t: Tensor) -> Tensor:
    return ((1 - t) ** 2 + t**2 * _S**2).sqrt()


GAUSSIAN = AnalyticFlow(
    "gaussian",  # N(0, 1) to N(m, s^2) along the straight path
    lambda x, t: (lambda t: _M + (t * _S**2 - (1 - t)) / _spread(t) ** 2 * (x - t * _M))(_column(t)),
    lambda x, t: (lambda t: t * _M + _spread(t) * x)(_column(t)),
)


def gaussian_map(x: Tensor, t: Tensor, r: Tensor) -> Tensor:
    """The mean velocity of that flow from x at t to r; at r = t, the velocity."""
    a, b = _column(t), _column(r)
    there = b * _M + _spread(b) / _spread(a) * (x - a * _M)
    h = b - a
    return torch.where(h == 0, GAUSSIAN.v(x, t), (there - x) / torch.where(h == 0, 1, h))


RICCATI = AnalyticFlow(
    "riccati",  # neither linear nor autonomous
    lambda x, t: -(1 + 2 * _column(t)) * x**2,
    lambda x, t: x / (1 + x * (_column(t) + _column(t) ** 2)),
)

FLOWS = (STRAIGHT, LINEAR, GAUSSIAN, RICCATI)
