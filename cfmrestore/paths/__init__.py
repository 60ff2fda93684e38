"""Probability paths between source and data."""

from cfmrestore.paths.base import Path, PathDiffusion
from cfmrestore.paths.gvp import GVP
from cfmrestore.paths.linear import Linear
from cfmrestore.paths.straight_diffusion import StraightDiffusion

__all__ = ["GVP", "Linear", "Path", "PathDiffusion", "StraightDiffusion"]
