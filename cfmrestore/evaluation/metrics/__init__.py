"""Metrics as mmengine's evaluator wants them: shells around pure functions."""

from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.evaluation.metrics.nfe import NFE
from cfmrestore.evaluation.metrics.psnr import PSNR
from cfmrestore.evaluation.metrics.ssim import SSIM

__all__ = ["NFE", "PSNR", "SSIM", "ImageMetric"]
