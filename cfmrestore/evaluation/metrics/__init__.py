"""Metrics as mmengine's evaluator wants them: shells around pure functions."""

from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.evaluation.metrics.distributions import (
    FID,
    KID,
    InceptionScore,
    InpaintingIDS,
    PatchFID,
    PrecisionRecall,
)
from cfmrestore.evaluation.metrics.levels import GMSD, MSSSIM, NIQE, PSNR, SSIM, HaarPSI, LRConsistency
from cfmrestore.evaluation.metrics.networks import DISTS, LPIPS, PyIQA
from cfmrestore.evaluation.metrics.records import NFE, ImageDigest
from cfmrestore.evaluation.metrics.set_metric import SetMetric

__all__ = [
    "DISTS", "FID", "GMSD", "KID", "LPIPS", "MSSSIM", "NFE", "NIQE", "PSNR", "SSIM", "HaarPSI", "ImageDigest",
    "ImageMetric", "InceptionScore", "InpaintingIDS", "LRConsistency", "PatchFID", "PrecisionRecall", "PyIQA",
    "SetMetric",
]  # fmt: skip
