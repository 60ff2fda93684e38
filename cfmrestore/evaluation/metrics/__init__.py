"""Metrics as mmengine's evaluator wants them: shells around pure functions."""

from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.evaluation.metrics.class_accuracy import ClassAccuracy
from cfmrestore.evaluation.metrics.dists import DISTS
from cfmrestore.evaluation.metrics.feature_distance import FeatureDistance
from cfmrestore.evaluation.metrics.fid import FID, PatchFID
from cfmrestore.evaluation.metrics.gmsd import GMSD
from cfmrestore.evaluation.metrics.grid_power import GridPower
from cfmrestore.evaluation.metrics.haarpsi import HaarPSI
from cfmrestore.evaluation.metrics.hole_psnr import HolePSNR
from cfmrestore.evaluation.metrics.image_digest import ImageDigest
from cfmrestore.evaluation.metrics.inception_score import InceptionScore
from cfmrestore.evaluation.metrics.inpainting_ids import InpaintingIDS
from cfmrestore.evaluation.metrics.kid import KID, PatchKID
from cfmrestore.evaluation.metrics.lpips import LPIPS
from cfmrestore.evaluation.metrics.lr_consistency import LRConsistency
from cfmrestore.evaluation.metrics.map_accuracy import MapAccuracy
from cfmrestore.evaluation.metrics.ms_ssim import MSSSIM
from cfmrestore.evaluation.metrics.nfe import NFE
from cfmrestore.evaluation.metrics.niqe import NIQE
from cfmrestore.evaluation.metrics.precision_recall import PrecisionRecall
from cfmrestore.evaluation.metrics.psnr import PSNR
from cfmrestore.evaluation.metrics.pyiqa import PyIQA
from cfmrestore.evaluation.metrics.rim_gradient import RimGradient
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.evaluation.metrics.ssim import SSIM

__all__ = [
    "DISTS", "FID", "GMSD", "KID", "LPIPS", "MSSSIM", "NFE", "NIQE", "PSNR", "SSIM", "ClassAccuracy", "FeatureDistance",
    "GridPower", "HaarPSI", "HolePSNR", "ImageDigest", "ImageMetric", "InceptionScore", "InpaintingIDS",
    "LRConsistency", "MapAccuracy", "PatchFID", "PatchKID", "PrecisionRecall", "PyIQA", "RimGradient", "SetMetric",
]  # fmt: skip
