"""Classifier-free guidance: away from what the network says when it is told less."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from cfmrestore.ops.broadcast import expand_as
from cfmrestore.typing import Conditioning, Latent, Time, Velocity


def guidance_weights(scales: Sequence[float]) -> list[float]:
    r"""Weights of the velocities that are told the first 0, 1, ..., n of n conditions.

    .. math::
        v = v_0 + \sum_{i=1}^{n} s_i (v_i - v_{i-1}) = \sum_{i=0}^{n} w_i v_i, \qquad
        w_0 = 1 - s_1, \quad w_i = s_i - s_{i+1}, \quad w_n = s_n

    where :math:`v_i` is told conditions 1 to i. Equal scales leave :math:`v_0 + s (v_n - v_0)`; scales of 1 leave
    :math:`v_n` and scales of 0 leave :math:`v_0` alone.

    Reference: Ho and Salimans, 2022 (arXiv:2207.12598); several conditions as in Brooks et al., 2023, equation 3
    (arXiv:2211.09800).
    """
    edges = [1.0, *scales, 0.0]
    return [here - after for here, after in pairwise(edges)]


def scales_of(guidance: float | Mapping[str, float], names: Sequence[str]) -> list[float]:
    """The scale of each condition that can be dropped, by name or one for all; those not named have 1."""
    if isinstance(guidance, Mapping):
        if unknown := sorted(set(guidance) - set(names)):
            known = ", ".join(names) or "none: train a condition with dropout"
            raise ValueError(f"guidance of {', '.join(unknown)}: conditions that were dropped in training are {known}")
        return [float(guidance.get(name, 1.0)) for name in names]
    if guidance != 1 and not names:
        raise ValueError("guidance needs a condition that was dropped in training: give model.conditions a dropout")
    return [float(guidance)] * len(names)


class ClassifierFree:
    r"""The velocity :math:`\sum_i w_i v_i` of ``guidance_weights``, by one call of the network on a batch.

    A flow map, which is told where its step ends, is guided as a velocity is.

    Args:
        stacked: v of the network that is told all rows, one behind the other.
        weights: Weights of the rows.
        outside: The velocity without guidance, where t is outside of the interval.
        interval: First and last time of guidance; Kynkaanniemi et al., 2024 (arXiv:2404.07724).
    """

    def __init__(
        self, stacked: Velocity, weights: Sequence[float], outside: Velocity, interval: tuple[float, float]
    ) -> None:
        self.stacked, self.weights, self.outside, self.interval = stacked, list(weights), outside, interval

    def __call__(self, x: Latent, t: Time, *r: Time) -> Latent:
        inside = (t >= self.interval[0]) & (t <= self.interval[1])
        if not bool(inside.any()):
            return self.outside(x, t, *r)
        n = len(self.weights)
        times = [time if time.dim() == 0 else time.repeat(n) for time in (t, *r)]
        rows = self.stacked(x.repeat(n, *[1] * (x.dim() - 1)), *times).chunk(n)
        guided: Tensor = sum(weight * row for weight, row in zip(self.weights, rows, strict=True))  # type: ignore[assignment]
        if bool(inside.all()):
            return guided
        return torch.where(expand_as(inside, x), guided, self.outside(x, t, *r))


def stack_rows(rows: Sequence[Conditioning]) -> Conditioning:
    """What the rows of a guided velocity are told, as one batch."""
    return {key: torch.cat([row[key] for row in rows]) for key in rows[0]}
