"""Haar wavelet-based perceptual similarity."""

from cfmrestore.evaluation.functional.haarpsi import haarpsi
from cfmrestore.evaluation.metrics.luma import LumaMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class HaarPSI(LumaMetric):
    """HaarPSI, mean over images: in color where the protocol compares colors, otherwise of the luma."""

    in_color = True
    compare = staticmethod(haarpsi)
