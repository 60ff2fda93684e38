"""Uniform time grid."""

from torch import Tensor

from cfmrestore.registry import GRIDS
from cfmrestore.solvers.grids.base import TimeGrid


@GRIDS.register_module()
class UniformGrid(TimeGrid):
    r""":math:`t_n = n / N`."""

    def warp(self, u: Tensor) -> Tensor:
        return u
