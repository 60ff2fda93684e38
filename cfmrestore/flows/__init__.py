"""The models that mmengine's runner trains."""

from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.flows.pipeline import Restoration
from cfmrestore.flows.preprocessor import RestorationPreprocessor
from cfmrestore.flows.sampling import Sampling

__all__ = ["CouplingFlow", "Restoration", "RestorationPreprocessor", "Sampling"]
