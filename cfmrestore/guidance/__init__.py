"""Guidance: what wraps a velocity to lead it: to conditions, to the input, to an end, or across a boundary."""

from cfmrestore.guidance.bottleneck_shift import BottleneckShift
from cfmrestore.guidance.classifier_free import ClassifierFree
from cfmrestore.guidance.data_consistency import DataConsistency
from cfmrestore.guidance.end_control import EndControl
from cfmrestore.guidance.hyperplane import HyperplaneGuidance

__all__ = ["BottleneckShift", "ClassifierFree", "DataConsistency", "EndControl", "HyperplaneGuidance"]
