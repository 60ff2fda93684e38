"""Metrics as mmengine's evaluator wants them: shells around pure functions."""

from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.evaluation.metrics.distributions import (
    FID,
    KID,
    InceptionScore,
    InpaintingIDS,
    PatchFID,
    PatchKID,
    PrecisionRecall,
)
from cfmrestore.evaluation.metrics.levels import GMSD, MSSSIM, NIQE, PSNR, SSIM, HaarPSI, LRConsistency
from cfmrestore.evaluation.metrics.networks import DISTS, LPIPS, FeatureDistance, PyIQA
from cfmrestore.evaluation.metrics.records import NFE, ImageDigest
from cfmrestore.evaluation.metrics.set_metric import SetMetric

__all__ = [
    "DISTS", "FID", "GMSD", "KID", "LPIPS", "MSSSIM", "NFE", "NIQE", "PSNR", "SSIM", "FeatureDistance", "HaarPSI",
    "ImageDigest", "ImageMetric", "InceptionScore", "InpaintingIDS", "LRConsistency", "PatchFID", "PatchKID",
    "PrecisionRecall", "PyIQA", "SetMetric",
]  # fmt: skip
