"""Flows: the models that are trained, losses, times, and the pipeline that restores."""

from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.flows.pipeline import Restoration
from cfmrestore.flows.preprocessor import RestorationPreprocessor
from cfmrestore.flows.sampling import Sampling

__all__ = ["CouplingFlow", "Restoration", "RestorationPreprocessor", "Sampling"]
