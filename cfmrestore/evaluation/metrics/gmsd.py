"""Gradient magnitude similarity deviation."""

from cfmrestore.evaluation.functional.gmsd import gmsd
from cfmrestore.evaluation.metrics.luma import LumaMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class GMSD(LumaMetric):
    """GMSD of the luma, mean over images; lower is better."""

    higher_is_better = False
    compare = staticmethod(gmsd)
