"""Guidance: what wraps a velocity to lead it: towards its conditions, to agreement with the input, or to an end."""

from cfmrestore.guidance.classifier_free import ClassifierFree
from cfmrestore.guidance.data_consistency import DataConsistency
from cfmrestore.guidance.end_control import EndControl

__all__ = ["ClassifierFree", "DataConsistency", "EndControl"]
