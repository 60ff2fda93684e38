"""Text-to-image pipelines of diffusers as sources of latents, with a seed an image."""

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Generator, nn

from cfmrestore.encoders import TAEF2, AutoencoderKL, AutoencoderTiny
from cfmrestore.encoders.base import Encoder
from cfmrestore.encoders.pretrained import PretrainedEncoder
from cfmrestore.execution.precision import PRECISIONS, best_precision
from cfmrestore.ldm.formats import find_format, read_answer, spatial
from cfmrestore.ldm.loading import find_folder, read_pipeline
from cfmrestore.typing import Latent, Size

_DISTILLED = {AutoencoderTiny: None, TAEF2: "AutoencoderKLFlux2"}


class LatentPipeline:
    """Text-to-image pipeline that returns small standardized latents.

    Args:
        pipeline: A pipeline of diffusers, on its device.
        folder: Where it was read.
    """

    def __init__(self, pipeline: Any, *, folder: str | Path = "") -> None:
        self.pipeline, self.folder = pipeline, Path(folder)
        self.name = type(pipeline).__name__
        self.format = find_format(pipeline)
        pipeline.set_progress_bar_config(disable=True)

    @classmethod
    def from_pretrained(cls, place: str | Path, *, device: str = "cpu", precision: str = "auto") -> "LatentPipeline":
        """A pipeline from a folder that diffusers saved, or, where no such path exists, from the hub id ``org/name``.

        Args:
            place: The folder or the id; safetensors only, and no code of others is run.
            device: Where it computes.
            precision: "auto" takes what the device multiplies natively, "fp32", "bf16" or "fp16".
        """
        chosen = best_precision(torch.device(device).type) if precision == "auto" else precision
        if chosen not in PRECISIONS:
            raise ValueError(f"unknown precision {precision!r}; known are auto, {', '.join(PRECISIONS)}")
        folder = find_folder(str(place))
        return cls(read_pipeline(folder, PRECISIONS[chosen]).to(device), folder=folder)

    def size(self, height: int | None = None, width: int | None = None) -> Size:
        """Size of the small pictures: the pipeline's own where neither side is given."""
        if (height is None) != (width is None):
            raise ValueError(f"give both height and width of the small picture, or neither; got {height=}, {width=}")
        factor = self.pipeline.vae_scale_factor
        if height is None or width is None:
            side = getattr(self.pipeline, "default_sample_size", None) or self.pipeline.unet.config.sample_size
            height, width = (n * factor for n in (side if isinstance(side, list | tuple) else (side, side)))
        multiple = factor * (1 if self.format is spatial else 2)
        if height < 1 or width < 1 or height % multiple or width % multiple:
            raise ValueError(f"{self.name} takes sides that are multiples of {multiple}; got {height}x{width}")
        return height, width

    @torch.no_grad()
    def __call__(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        *,
        height: int | None = None,
        width: int | None = None,
        steps: int | None = None,
        guidance_scale: float | None = None,
        negative_prompt: str | None = None,
    ) -> Latent:
        """Standardized latents in float32, each drawn from its own seed, whatever the batch.

        The seeds are for generators of torch on the CPU; what is None is the pipeline's own.
        """
        size = self.size(height, width)
        given = {"height": size[0], "width": size[1], "num_inference_steps": steps, "guidance_scale": guidance_scale}
        settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if negative_prompt is not None:
            settings["negative_prompt"] = [negative_prompt] * len(prompts)
        takes = inspect.signature(type(self.pipeline).__call__).parameters
        for key in settings:
            # Such pipelines leave a negative prompt unread unless a second scale is given too.
            if key not in takes or (key == "negative_prompt" and "true_cfg_scale" in takes):
                raise ValueError(f"{self.name} takes no {key}: leave it out")
        generators = [Generator().manual_seed(seed) for seed in seeds]
        asked = {"prompt": list(prompts), "output_type": "latent", "return_dict": False}
        answer = self.pipeline(generator=generators, **asked, **settings)
        return read_answer(self.pipeline, self.format, answer[0], size)

    def own_encoder(self) -> Encoder:
        """The pipeline's autoencoder as an encoder of flows, in float32."""
        kind = type(self.pipeline.vae).__name__
        if kind != AutoencoderKL.diffusers_class:
            raise ValueError(f"{self.name} has a {kind}; give a model with an encoder of it")
        return AutoencoderKL(path=str(self.folder), subfolder="vae")

    def check_space(self, encoder: Encoder) -> None:
        """Refuse an encoder whose latents are not this pipeline's, and say what differs.

        A distilled encoder (AutoencoderTiny, TAEF2) imitates latents as denoisers see them, and so has to have scale
        1 and shift 0; which autoencoder it imitates is known from its number of channels alone.
        """
        vae, config, kind = self.pipeline.vae, self.pipeline.vae.config, type(self.pipeline.vae).__name__
        own = getattr(encoder, "diffusers_class", type(encoder).__name__)
        distilled = type(encoder) in _DISTILLED and kind != own
        autoencoder = (_DISTILLED[type(encoder)] or kind) if distilled else own
        scale, shift = (1.0, 0.0) if distilled else (config.get("scaling_factor"), config.get("shift_factor") or 0.0)
        pairs = (
            ("channels", config.latent_channels, encoder.channels),
            ("downscale", self.pipeline.vae_scale_factor, encoder.downscale),
            ("autoencoder", kind, autoencoder),
            ("scale", scale, encoder.scale),
            ("shift", shift, encoder.shift),
        )
        wrong = [f"{name} {theirs} there, {ours} here" for name, theirs, ours in pairs if theirs != ours]
        if wrong:
            raise ValueError(
                f"{self.name} and the flow's {type(encoder).__name__} are different spaces: {'; '.join(wrong)}. Take "
                "a pipeline with the autoencoder in whose latents the flow was trained"
            )
        if not distilled and isinstance(encoder, PretrainedEncoder) and (name := _differing(vae, encoder.model)):
            warnings.warn(
                f"{self.name} has another autoencoder than the flow, of the same shape: {name} differs. If its "
                "latents differ too, the pictures will be wrong",
                RuntimeWarning,
                stacklevel=2,
            )


def _differing(theirs: nn.Module, ours: nn.Module) -> str | None:
    """The first weight of the encoding half that differs by more than storing it in half precision does."""
    weights = ours.state_dict()
    for name, value in theirs.state_dict().items():
        if name.startswith(("encoder.", "quant_conv.")) and name in weights:
            a, b = value.float().cpu(), weights[name].float().cpu()
            if a.shape != b.shape or not torch.allclose(a, b, rtol=0.02, atol=1e-3):
                return name
    return None
