"""The straight path from the last noise level of a diffusion model."""

import torch

from cfmrestore.ops.diffusion_schedule import Schedule, alpha_bar
from cfmrestore.paths.base import Path
from cfmrestore.registry import PATHS
from cfmrestore.typing import Coefficients, Time


@PATHS.register_module()
class StraightDiffusion(Path):
    r"""The path on which Euler's method is DDIM.

    A diffusion model with the signal :math:`\bar\alpha_s` at step s of S has the noise level
    :math:`a_s = \sqrt{\bar\alpha_s}`, :math:`b_s = \sqrt{1 - \bar\alpha_s}`, of which the last still has some signal.
    From there a straight line leads to the data:

    .. math:: \alpha_t = a_S + (1 - a_S)\, t, \qquad \sigma_t = b_S (1 - t)

    Every noise level is on it but for a factor: :math:`\alpha_t / \sigma_t = a_s / b_s` at one t, and there
    :math:`x_t = k (a_s x_1 + b_s x_0)`. A step of DDIM (Song et al., 2021, equation 12 without noise,
    arXiv:2010.02502) goes from :math:`a_s \hat x_1 + b_s \hat x_0` to the same combination at the next level; on a
    line, where :math:`\alpha` and :math:`\sigma` are linear in t, this is
    :math:`x_t + h (\alpha' \hat x_1 + \sigma' \hat x_0)`.

    Paths begin at noise of unit variance, as the sampling of diffusion models does, although the line begins at
    :math:`a_S x_1 + b_S x_0`.

    Args:
        schedule: Table of the diffusion, as in ``DiffusionVelocity``.
    """

    def __init__(self, *, schedule: Schedule = "linear") -> None:
        last = alpha_bar(schedule)[-1]
        self.schedule = schedule
        self.alpha_0, self.sigma_0 = float(last.sqrt()), float((1 - last).sqrt())

    def coefficients(self, t: Time) -> Coefficients:
        rise = 1 - self.alpha_0
        return Coefficients(
            self.alpha_0 + rise * t,
            self.sigma_0 * (1 - t),
            torch.full_like(t, rise),
            torch.full_like(t, -self.sigma_0),
        )
