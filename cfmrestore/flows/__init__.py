"""Flows: the models that are trained, losses, times, and the pipeline that restores."""

from cfmrestore._compat import defer_transformers

defer_transformers()

from cfmrestore.flows.coupling_flow import CouplingFlow  # noqa: E402
from cfmrestore.flows.pipeline import Restoration  # noqa: E402
from cfmrestore.flows.preprocessor import RestorationPreprocessor  # noqa: E402
from cfmrestore.flows.sampling import Sampling  # noqa: E402

__all__ = ["CouplingFlow", "Restoration", "RestorationPreprocessor", "Sampling"]
