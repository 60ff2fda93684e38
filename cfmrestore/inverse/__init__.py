"""Solvers of inverse problems: restoration from a known degradation, with a flow of images as prior."""

from cfmrestore.inverse.base import InverseSolver
from cfmrestore.inverse.flower import Flower
from cfmrestore.inverse.mmps import MMPS
from cfmrestore.inverse.pnp_flow import PnPFlow
from cfmrestore.inverse.problem import InverseProblem

__all__ = ["MMPS", "Flower", "InverseProblem", "InverseSolver", "PnPFlow"]
