"""Multi-scale structural similarity."""

from cfmrestore.evaluation.functional.ms_ssim import ms_ssim
from cfmrestore.evaluation.metrics.luma import LumaMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class MSSSIM(LumaMetric):
    """MS-SSIM of the luma, mean over images; they need 176 pixels a side."""

    compare = staticmethod(ms_ssim)
