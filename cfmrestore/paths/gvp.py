"""The generalized variance-preserving path: a quarter of a circle."""

import math

from cfmrestore.paths.base import Path
from cfmrestore.registry import PATHS
from cfmrestore.typing import Coefficients, Time


@PATHS.register_module()
class GVP(Path):
    r"""Keeps the variance of independent ends of unit variance.

    .. math:: \alpha_t = \sin(\pi t / 2), \qquad \sigma_t = \cos(\pi t / 2)

    Reference: Albergo and Vanden-Eijnden, 2023, section 3 (arXiv:2209.15571).
    """

    def coefficients(self, t: Time) -> Coefficients:
        angle = math.pi / 2 * t
        sin, cos = angle.sin().clamp_min(0), angle.cos().clamp_min(0)  # of [0, pi/2], where cos(pi/2) rounds below 0
        return Coefficients(sin, cos, math.pi / 2 * cos, -math.pi / 2 * sin)
