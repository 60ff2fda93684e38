"""Guidance: what wraps a velocity to lead it: towards its conditions, or to agreement with the input."""

from cfmrestore.guidance.classifier_free import ClassifierFree
from cfmrestore.guidance.data_consistency import DataConsistency

__all__ = ["ClassifierFree", "DataConsistency"]
