"""Guidance: what wraps a velocity to lead it, such as agreement with the input."""

from cfmrestore.guidance.data_consistency import DataConsistency

__all__ = ["DataConsistency"]
