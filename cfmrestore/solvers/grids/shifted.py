"""Shifted time grid: more steps near the source, as larger images need."""

from torch import Tensor

from cfmrestore.registry import GRIDS
from cfmrestore.solvers.grids.base import TimeGrid


@GRIDS.register_module()
class ShiftedGrid(TimeGrid):
    r"""The resolution-dependent shift.

    .. math:: t = \frac{u}{s + (1 - s)\, u}

    Reference: Esser et al., 2024, equation 23 (arXiv:2403.03206), written for time that runs from source to data:
    with s > 1 more times lie near the source.

    Args:
        shift: The factor s; 1 is the uniform grid.
    """

    def __init__(self, *, shift: float = 3.0) -> None:
        if not shift > 0:
            raise ValueError(f"shift must be positive; got {shift}")
        self.shift = shift

    def warp(self, u: Tensor) -> Tensor:
        return u / (self.shift + (1 - self.shift) * u)
