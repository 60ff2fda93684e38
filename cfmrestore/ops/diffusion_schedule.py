"""Diffusion schedules: how much of a signal is left after each step, and the step of a signal-to-noise ratio."""

import math
from functools import lru_cache

import torch
from torch import Tensor

STEPS = 1000


@lru_cache
def alpha_bar(table: str) -> Tensor:
    r"""The signal's share of the variance after each of 1000 steps, in float64.

    "cosine": :math:`\bar\alpha = \operatorname{sigmoid}(-2 \ln(\tan(\pi u / 2) + 10^{-5}))` on
    :math:`u \in [0, 1]`, about :math:`\cos^2(\pi u / 2)`: FMBoost's table; Hoogeboom et al., 2023, section 3.1
    (arXiv:2301.11093), without a shift.

    The others are :math:`\prod_i (1 - \beta_i)`. "linear": :math:`\beta` from 1e-4 to 0.02; Ho et al., 2020, section 4
    (arXiv:2006.11239). "scaled_linear": :math:`\sqrt\beta` from that of 0.00085 to that of 0.012, Stable Diffusion's.
    "squared_cosine": the quotients of :math:`\cos^2\left(\frac{u + 0.008}{1.008} \frac{\pi}{2}\right)`, none above
    0.999; Nichol and Dhariwal, 2021, equation 17 (arXiv:2102.09672).
    """
    ends = torch.linspace(0, 1, STEPS + 1, dtype=torch.float64, device="cpu")
    if table == "cosine":
        u = torch.linspace(0, 1, STEPS, dtype=torch.float64, device="cpu")
        return torch.sigmoid(-2 * (torch.tan(math.pi * u / 2) + 1e-5).log())
    if table == "linear":
        return _kept(torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64, device="cpu"))
    if table == "scaled_linear":
        return _kept(torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64, device="cpu") ** 2)
    if table == "squared_cosine":
        level = torch.cos((ends + 0.008) / 1.008 * math.pi / 2) ** 2
        return _kept((1 - level[1:] / level[:-1]).clamp_max(0.999))
    known = "cosine, linear, scaled_linear, squared_cosine"
    raise ValueError(f"unknown noise table {table!r}; known are {known}")


def _kept(beta: Tensor) -> Tensor:
    return (1 - beta).cumprod(dim=0)


def signal_to_noise(table: str) -> Tensor:
    r"""The ratio :math:`\sqrt{\bar\alpha / (1 - \bar\alpha)}` of the standard deviations after each step."""
    kept = alpha_bar(table)
    return (kept / (1 - kept)).sqrt()


def step_of_ratio(ratio: Tensor, table: str) -> Tensor:
    """The step, from 0 to 999, with that ratio of signal to noise: interpolated in its logarithm, in float64."""
    levels = -signal_to_noise(table).log().to(ratio.device)  # rising
    level = -ratio.double().log().clamp(-levels[-1], -levels[0])
    right = torch.searchsorted(levels, level.contiguous()).clamp(1, STEPS - 1)
    left = levels[right - 1]
    return right - 1 + (level - left) / (levels[right] - left)
