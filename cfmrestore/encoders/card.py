"""Card of an encoder: what to know of its space before training there."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image


@dataclass(frozen=True)
class EncoderCard:
    """Identity, shape and, where images were given, how much of them survives."""

    name: str
    digest: str
    channels: int
    downscale: int
    scale: float
    shift: float
    parameters: int
    psnr: float | None = None
    latent_mean: float | None = None
    latent_std: float | None = None

    def __str__(self) -> str:
        rows = {key: value for key, value in asdict(self).items() if value is not None}
        return "\n".join(f"{key:12} {f'{v:.4g}' if isinstance(v, float) else v}" for key, v in rows.items())


@torch.no_grad()
def card(encoder: Encoder, images: list[Image] | None = None) -> EncoderCard:
    """Describe an encoder; with images, also its reconstruction PSNR (RGB, mean over images) and latent statistics."""
    psnr, latents = [], []
    for image in images or []:
        m = encoder.downscale
        image = crop_to(image, (image.shape[-2] // m * m, image.shape[-1] // m * m))
        latent = encoder.encode(image, ImageRng([0]))
        error = (encoder.decode(latent).clamp(0, 1) - image).double().square().mean()
        psnr.append(float(-10 * error.clamp_min(1e-12).log10()))
        latents.append(latent.flatten().double())
    shape: dict[str, Any] = {key: getattr(encoder, key) for key in ("channels", "downscale", "scale", "shift")}
    parameters = sum(p.numel() for p in encoder.parameters())
    described = EncoderCard(type(encoder).__name__, encoder.digest(), **shape, parameters=parameters)
    if not latents:
        return described
    joined = torch.cat(latents)
    mean, std = float(joined.mean()), float(joined.std())
    return replace(described, psnr=sum(psnr) / len(psnr), latent_mean=mean, latent_std=std)
