"""Time grids: the times at which a velocity is evaluated."""

from cfmrestore.solvers.grids.base import TimeGrid
from cfmrestore.solvers.grids.cosine import CosineGrid
from cfmrestore.solvers.grids.diffusion import DiffusionGrid
from cfmrestore.solvers.grids.listed import ListedGrid
from cfmrestore.solvers.grids.shifted import ShiftedGrid
from cfmrestore.solvers.grids.uniform import UniformGrid

__all__ = ["CosineGrid", "DiffusionGrid", "ListedGrid", "ShiftedGrid", "TimeGrid", "UniformGrid"]
