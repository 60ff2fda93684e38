"""What wraps a velocity: tiles, and agreement with the input."""

from cfmrestore.guidance.data_consistency import DataConsistency
from cfmrestore.guidance.tiled import Tiled

__all__ = ["DataConsistency", "Tiled"]
