"""Metrics as pure functions of images."""

from cfmrestore.evaluation.functional.prepare import prepare
from cfmrestore.evaluation.functional.psnr import psnr
from cfmrestore.evaluation.functional.ssim import ssim

__all__ = ["prepare", "psnr", "ssim"]
