"""Diffusion schedules: how much of a signal is left after each step, and the step of a signal-to-noise ratio."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import torch
from torch import Tensor

STEPS = 1000
_BETAS = {"linear": (1e-4, 0.02), "scaled_linear": (0.00085, 0.012)}


Schedule: TypeAlias = str | Mapping[str, Any]
"""A table by its name, or its curve and numbers."""


def alpha_bar(table: Schedule) -> Tensor:
    r"""The signal's share of the variance after each step, 1000 unless said otherwise, in float64.

    "cosine": :math:`\bar\alpha = \operatorname{sigmoid}(-2 \ln(\tan(\pi u / 2) + 10^{-5}))` on
    :math:`u \in [0, 1]`, about :math:`\cos^2(\pi u / 2)`: FMBoost's table; Hoogeboom et al., 2023, section 3.1
    (arXiv:2301.11093), without a shift.

    The others are :math:`\prod_i (1 - \beta_i)`. "linear": :math:`\beta` from 1e-4 to 0.02; Ho et al., 2020, section 4
    (arXiv:2006.11239). "scaled_linear": :math:`\sqrt\beta` from that of 0.00085 to that of 0.012, Stable Diffusion's.
    "squared_cosine": the quotients of :math:`\cos^2\left(\frac{u + 0.008}{1.008} \frac{\pi}{2}\right)`, none above
    0.999; Nichol and Dhariwal, 2021, equation 17 (arXiv:2102.09672).

    Other ends and numbers of steps are said with the curve: ``dict(curve="linear", beta_start=1e-4, beta_end=0.02,
    steps=1000)``, of which the first key alone is needed; curves that are not of betas have no ends.
    """
    if isinstance(table, str):
        return _table(table, STEPS, None, None)
    if unknown := sorted(set(table) - {"curve", "steps", "beta_start", "beta_end"}):
        raise ValueError(f"a noise table has curve, steps, beta_start and beta_end; got {', '.join(unknown)} too")
    if "curve" not in table:
        raise ValueError(f"a noise table names its curve; got {dict(table)}")
    return _table(table["curve"], table.get("steps", STEPS), table.get("beta_start"), table.get("beta_end"))


@lru_cache
def _table(curve: str, steps: int, start: float | None, end: float | None) -> Tensor:
    if steps < 2:
        raise ValueError(f"a diffusion has two steps or more; got {steps}")
    if curve in _BETAS:
        low, high = (own if given is None else given for own, given in zip(_BETAS[curve], (start, end), strict=True))
        if not 0 < low <= high < 1:
            raise ValueError(f"the betas of a noise table rise within (0, 1); got {low} to {high}")
        power = 0.5 if curve == "scaled_linear" else 1.0
        beta = torch.linspace(low**power, high**power, steps, dtype=torch.float64, device="cpu") ** (1 / power)
        return _kept(beta)
    if curve not in ("cosine", "squared_cosine"):
        known = "cosine, linear, scaled_linear, squared_cosine"
        raise ValueError(f"unknown noise table {curve!r}; known are {known}")
    if start is not None or end is not None:
        raise ValueError(f"the noise table {curve!r} has no beta_start and beta_end")
    if curve == "cosine":
        u = torch.linspace(0, 1, steps, dtype=torch.float64, device="cpu")
        return torch.sigmoid(-2 * (torch.tan(math.pi * u / 2) + 1e-5).log())
    ends = torch.linspace(0, 1, steps + 1, dtype=torch.float64, device="cpu")
    level = torch.cos((ends + 0.008) / 1.008 * math.pi / 2) ** 2
    return _kept((1 - level[1:] / level[:-1]).clamp_max(0.999))


def _kept(beta: Tensor) -> Tensor:
    return (1 - beta).cumprod(dim=0)


def signal_to_noise(table: Schedule) -> Tensor:
    r"""The ratio :math:`\sqrt{\bar\alpha / (1 - \bar\alpha)}` of the standard deviations after each step."""
    kept = alpha_bar(table)
    return (kept / (1 - kept)).sqrt()


def step_of_ratio(ratio: Tensor, table: Schedule) -> Tensor:
    """The step, counted from 0, with that ratio of signal to noise: interpolated in its logarithm, in float64."""
    levels = -signal_to_noise(table).log().to(ratio.device)  # rising
    level = -ratio.double().log().clamp(-levels[-1], -levels[0])
    right = torch.searchsorted(levels, level.contiguous()).clamp(1, len(levels) - 1)
    left = levels[right - 1]
    return right - 1 + (level - left) / (levels[right] - left)
