"""Tables of how much of a signal is left after so many steps of diffusion."""

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

    "linear": :math:`\prod_i (1 - \beta_i)` with :math:`\beta` from 1e-4 to 0.02; Ho et al., 2020, section 4
    (arXiv:2006.11239).
    """
    if table == "cosine":
        u = torch.linspace(0, 1, STEPS, dtype=torch.float64, device="cpu")
        return torch.sigmoid(-2 * (torch.tan(math.pi * u / 2) + 1e-5).log())
    if table == "linear":
        return (1 - torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64, device="cpu")).cumprod(dim=0)
    raise ValueError(f"unknown noise table {table!r}; known are cosine, linear")
