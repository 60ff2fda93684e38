"""The straight path, with what may be left of the source at its end."""

import torch

from cfmrestore.paths.base import Path
from cfmrestore.registry import PATHS
from cfmrestore.typing import Coefficients, Time


@PATHS.register_module()
class Linear(Path):
    r"""The conditional optimal-transport path.

    .. math:: \alpha_t = t, \qquad \sigma_t = 1 - (1 - \sigma_{\min})\, t

    Reference: Lipman et al., 2023, equation 20 (arXiv:2210.02747). FMBoost keeps :math:`\sigma_t = 1 - t` and adds
    noise of standard deviation :math:`\sigma_{\min}` instead; at its default, 0, the two agree.

    Args:
        sigma_min: Share of the source that is left at t = 1.
    """

    is_straight = True

    def __init__(self, *, sigma_min: float = 0.0) -> None:
        if not 0 <= sigma_min < 1:
            raise ValueError(f"sigma_min must lie in [0, 1); got {sigma_min}")
        self.sigma_min = sigma_min

    def coefficients(self, t: Time) -> Coefficients:
        slope = 1 - self.sigma_min
        return Coefficients(t, 1 - slope * t, torch.ones_like(t), torch.full_like(t, -slope))
