"""Cosine time grid, which crowds at both ends."""

import math

from torch import Tensor

from cfmrestore.registry import GRIDS
from cfmrestore.solvers.grids.base import TimeGrid


@GRIDS.register_module()
class CosineGrid(TimeGrid):
    r"""The Chebyshev-Lobatto points :math:`t_n = (1 - \cos(\pi n / N)) / 2`."""

    def warp(self, u: Tensor) -> Tensor:
        return (1 - (math.pi * u).cos()) / 2
