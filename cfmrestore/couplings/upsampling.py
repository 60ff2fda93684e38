"""Bringing a small image to the latent size of a large one."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, Latent

MODES = ("pixel", "bilinear", "decoded", "latent", "nearest")
ENLARGED_LATENTS = ("latent", "nearest")


def lift(low: Image, encoder: Encoder, scale: int, mode: str, rng: ImageRng) -> Latent:
    """Encode and enlarge, in one order or the other.

    "pixel" and "bilinear" enlarge first: FMBoost's pixel-space upsampling (bilinear there). "decoded" does so with what
    the autoencoder makes of the input: where inputs will be latents, training sees pictures of latents. "latent" and
    "nearest" encode first and enlarge the latent: its latent-space upsampling.
    """
    latent = encoder.encode(picture_to_encode(low, encoder, scale, mode, rng), rng)
    return enlarge(latent, scale, mode) if mode in ENLARGED_LATENTS else latent


def picture_to_encode(low: Image, encoder: Encoder, scale: int, mode: str, rng: ImageRng) -> Image:
    """The input as it is encoded, in which "pixel", "bilinear" and "decoded" have enlarged it."""
    if mode not in MODES:
        raise ValueError(f"unknown upsample {mode!r}; known are {', '.join(MODES)}")
    if mode in ENLARGED_LATENTS:
        return low
    if mode == "decoded":
        low = encoder.decode(encoder.encode(low, rng.fork("input"))).clamp(0, 1)
    return resize(low, scale=scale, kernel="bilinear" if mode == "bilinear" else "bicubic")


def enlarge(latent: Tensor, scale: int, mode: str) -> Latent:
    """A latent of the input's size at that of the target: "latent" is bilinear, "nearest" repeats."""
    if mode == "nearest":
        return repeat(latent, scale)
    return F.interpolate(latent, scale_factor=scale, mode="bilinear", align_corners=False)


def repeat(x: Tensor, scale: int) -> Tensor:
    """Nearest-neighbor enlargement by a whole factor."""
    return x.repeat_interleave(scale, dim=-2).repeat_interleave(scale, dim=-1)


def corners(like: Tensor, scale: int) -> Tensor:
    """1 at the top left of every block of scale x scale samples, 0 elsewhere."""
    mask = torch.zeros_like(like)
    mask[..., ::scale, ::scale] = 1
    return mask
