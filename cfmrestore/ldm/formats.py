"""Formats in which the families of text-to-image pipelines return their latents."""

import inspect
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.typing import Latent, Size


class LatentFormat(ABC):
    """Format of an answer to ``output_type="latent"``: as the pipeline's denoiser sees latents, perhaps packed."""

    patch: ClassVar[int] = 1
    """Latent samples that both sides are multiples of."""

    @staticmethod
    @abstractmethod
    def fits(pipeline: Any) -> bool:
        """Whether a pipeline answers in this way, told by its methods and its autoencoder."""

    @staticmethod
    @abstractmethod
    def unpack(pipeline: Any, answer: Tensor, size: Size) -> Latent:
        """(b, c, h, w), standardized as the denoiser has it, of an answer for a picture of that size."""


class Spatial(LatentFormat):
    """SD 1 and 2, SDXL, LCM, SD 3, PixArt, Z-Image ...: in space and standardized already."""

    @staticmethod
    def fits(pipeline: Any) -> bool:
        packs = any(hasattr(pipeline, name) for name in ("_unpack_latents", "_unpatchify_latents"))
        return not packs and _is_scaled(pipeline)

    @staticmethod
    def unpack(pipeline: Any, answer: Tensor, size: Size) -> Latent:
        del pipeline, size
        return answer


class Packed(LatentFormat):
    """FLUX.1 and its kin: a sequence of patches of 2x2 latent samples, (b, h w / 4, 4 c), standardized already."""

    patch = 2

    @staticmethod
    def fits(pipeline: Any) -> bool:
        method = getattr(pipeline, "_unpack_latents", None)
        takes = list(inspect.signature(method).parameters) if method is not None else []
        return takes == ["latents", "height", "width", "vae_scale_factor"] and _is_scaled(pipeline)

    @staticmethod
    def unpack(pipeline: Any, answer: Tensor, size: Size) -> Latent:
        return pipeline._unpack_latents(answer, *size, pipeline.vae_scale_factor)


class Normed(LatentFormat):
    r"""FLUX.2: patches of 2x2 latent samples, normalized by a batch norm that its autoencoder keeps.

    The pipelines of the base model answer with the sequence, (b, h w / 4, 4 c), before that norm is undone, those of
    the distilled ones with (b, c, h, w) after it. The standardized latent is the normalized one,
    :math:`(z - \mu) / \sqrt{\sigma^2 + \epsilon}` of every place in a patch: what TAEF2 encodes to.
    """

    patch = 2

    @staticmethod
    def fits(pipeline: Any) -> bool:
        methods = all(hasattr(pipeline, name) for name in ("_patchify_latents", "_unpatchify_latents"))
        return methods and hasattr(pipeline.vae, "bn")

    @staticmethod
    def unpack(pipeline: Any, answer: Tensor, size: Size) -> Latent:
        if answer.dim() == 3:
            height, width = (side // (2 * pipeline.vae_scale_factor) for side in size)
            patches = answer.transpose(1, 2).unflatten(2, (height, width))
        else:
            norm, answer = pipeline.vae.bn, pipeline._patchify_latents(answer)
            std = (norm.running_var + pipeline.vae.config.batch_norm_eps).sqrt()
            mean, std = (x.view(1, -1, 1, 1).to(answer) for x in (norm.running_mean, std))
            patches = (answer - mean) / std
        return pipeline._unpatchify_latents(patches)


LATENT_FORMATS: tuple[type[LatentFormat], ...] = (Spatial, Packed, Normed)


def _is_scaled(pipeline: Any) -> bool:
    """Whether latents are standardized by one scale and one shift."""
    config = pipeline.vae.config
    by_channel = any(config.get(name) is not None for name in ("latents_mean", "latents_std"))
    return config.get("scaling_factor") is not None and not by_channel


def find_format(pipeline: Any) -> type[LatentFormat]:
    """The format of a pipeline, before anything is computed."""
    kind = type(pipeline).__name__
    if getattr(pipeline, "vae", None) is None:
        raise ValueError(f"{kind} has no autoencoder (vae): its latents cannot be those of a flow")
    matching = next((format for format in LATENT_FORMATS if format.fits(pipeline)), None)
    if matching is None or "prompt" not in inspect.signature(type(pipeline).__call__).parameters:
        raise ValueError(
            f"{kind} with {type(pipeline.vae).__name__} returns its latents in a way that is not known here; known "
            "are text-to-image pipelines of Stable Diffusion 1 to 3, SDXL, LCM, FLUX.1 and FLUX.2, and those like them"
        )
    return matching


def spatial(pipeline: Any, answer: Any, size: Size) -> Latent:
    """The standardized latents (b, c, h, w) in a pipeline's answer, in float32."""
    kind, factor = type(pipeline).__name__, pipeline.vae_scale_factor
    channels = pipeline.vae.config.latent_channels
    expected = (channels, size[0] // factor, size[1] // factor)
    try:
        latent = find_format(pipeline).unpack(pipeline, answer, size).float()
    except (RuntimeError, AttributeError, IndexError) as error:  # what torch says to a shape that does not fit
        raise ValueError(f"{kind} answered with something else than latents for {_times(size)}: {error}") from error
    if tuple(latent.shape[1:]) != expected:
        raise ValueError(f"{kind} gave latents of {_times(latent.shape[1:])}, not the expected {_times(expected)}")
    if not bool(latent.isfinite().all()):
        raise ValueError(f"{kind} gave latents that are no finite numbers: take precision='fp32' (--precision fp32)")
    return latent


def _times(sizes: Any) -> str:
    return "x".join(map(str, sizes))
