"""Formats in which the families of text-to-image pipelines return their latents."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor

from cfmrestore.typing import Latent, Size

LatentFormat = Callable[[Any, Tensor, Size], Latent]
"""(b, c, h, w), standardized as the pipeline's denoiser has it, of its answer to ``output_type="latent"``."""


def spatial(pipeline: Any, answer: Tensor, size: Size) -> Latent:
    """SD 1 and 2, SDXL, LCM, SD 3, PixArt, Z-Image ...: in space and standardized already."""
    del pipeline, size
    return answer


def packed(pipeline: Any, answer: Tensor, size: Size) -> Latent:
    """FLUX.1 and its kin: a sequence of patches of 2x2 latent samples, (b, h w / 4, 4 c), standardized already."""
    return pipeline._unpack_latents(answer, *size, pipeline.vae_scale_factor)


def normed(pipeline: Any, answer: Tensor, size: Size) -> Latent:
    r"""FLUX.2: patches of 2x2 latent samples, normalized by a batch norm that its autoencoder keeps.

    The pipelines of the base model answer with the sequence, (b, h w / 4, 4 c), before that norm is undone, those of
    the distilled ones with (b, c, h, w) after it. The standardized latent is the normalized one,
    :math:`(z - \mu) / \sqrt{\sigma^2 + \epsilon}` of every place in a patch: what TAEF2 encodes to.
    """
    if answer.dim() == 3:
        height, width = (side // (2 * pipeline.vae_scale_factor) for side in size)
        patches = answer.transpose(1, 2).unflatten(2, (height, width))
    else:
        norm, answer = pipeline.vae.bn, pipeline._patchify_latents(answer)
        std = (norm.running_var + pipeline.vae.config.batch_norm_eps).sqrt()
        mean, std = (x.view(1, -1, 1, 1).to(answer) for x in (norm.running_mean, std))
        patches = (answer - mean) / std
    return pipeline._unpatchify_latents(patches)


def find_format(pipeline: Any) -> LatentFormat:
    """The format of a pipeline, told by its methods and its autoencoder before anything is computed."""
    kind, vae = type(pipeline).__name__, getattr(pipeline, "vae", None)
    if vae is None:
        raise ValueError(f"{kind} has no autoencoder (vae): its latents cannot be those of a flow")
    if "prompt" in inspect.signature(type(pipeline).__call__).parameters:
        by_channel = any(vae.config.get(name) is not None for name in ("latents_mean", "latents_std"))
        unpack = getattr(pipeline, "_unpack_latents", None)
        if vae.config.get("scaling_factor") is not None and not by_channel:  # one scale and one shift
            if unpack is None and not hasattr(pipeline, "_unpatchify_latents"):
                return spatial
            takes = list(inspect.signature(unpack).parameters) if unpack is not None else []
            if takes == ["latents", "height", "width", "vae_scale_factor"]:
                return packed
        if hasattr(vae, "bn") and all(hasattr(pipeline, f"_{name}_latents") for name in ("patchify", "unpatchify")):
            return normed
    raise ValueError(
        f"{kind} with {type(vae).__name__} returns its latents in a way that is not known here; known are "
        "text-to-image pipelines of Stable Diffusion 1 to 3, SDXL, LCM, FLUX.1 and FLUX.2, and those like them"
    )


def read_answer(pipeline: Any, format: LatentFormat, answer: Any, size: Size) -> Latent:
    """The standardized latents (b, c, h, w) in a pipeline's answer, in float32."""
    kind, factor = type(pipeline).__name__, pipeline.vae_scale_factor
    expected = (pipeline.vae.config.latent_channels, size[0] // factor, size[1] // factor)
    try:
        latent = format(pipeline, answer, size).float()
    except (RuntimeError, AttributeError, IndexError) as error:  # what torch says to a shape that does not fit
        raise ValueError(f"{kind} answered with something else than latents for {_times(size)}: {error}") from error
    if tuple(latent.shape[1:]) != expected:
        raise ValueError(f"{kind} gave latents of {_times(latent.shape[1:])}, not the expected {_times(expected)}")
    if not bool(latent.isfinite().all()):
        raise ValueError(f"{kind} gave latents that are no finite numbers: take precision='fp32' (--precision fp32)")
    return latent


def _times(sizes: Any) -> str:
    return "x".join(map(str, sizes))
