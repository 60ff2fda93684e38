"""Conditions: what a network is told beside x and t."""

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.conditions.class_label import ClassLabel
from cfmrestore.conditions.inpaint import Inpaint
from cfmrestore.conditions.low_res import LowRes
from cfmrestore.conditions.semantic_map import SemanticMap
from cfmrestore.conditions.stack import ConditionStack

__all__ = ["ClassLabel", "Condition", "ConditionInputs", "ConditionStack", "Inpaint", "LowRes", "SemanticMap"]
