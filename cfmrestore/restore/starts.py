"""Starts of a trained flow by number: from noise and classes, or of images that are made small as in its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.conditions import ClassLabel
from cfmrestore.engine import checkpoints
from cfmrestore.flows import RestorationPreprocessor, Sampling
from cfmrestore.flows.sampling import Start
from cfmrestore.former_names import update_names
from cfmrestore.imageio import list_images, read_image
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import mix
from cfmrestore.registry import MODELS, find_class
from cfmrestore.restore.sampler import Sampler


@dataclass(frozen=True)
class Inputs:
    """What a batch of starts is made of.

    Args:
        seeds: One an image.
        low: The low-quality images, of 256 levels.
        given: What conditions need beside, by name.
    """

    seeds: Tensor
    low: Tensor | None = None
    given: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Starts:
    """The starts of a model; number i has the seed ``seed + i``, and its class and image in turn.

    Args:
        sampler: The model.
        classes: Of the starts, in turn; by default all that there are.
        images: Files of the targets from which inputs are made, in turn.
        crop: Side of the random square that is cut from each, in pixels.
        seed: Of the first.
    """

    sampler: Sampler
    classes: Sequence[int] = ()
    images: Sequence[Path] = ()
    crop: int = 96
    seed: int = 0
    preprocessor: RestorationPreprocessor = field(init=False)

    def __post_init__(self) -> None:
        flow = self.sampler.flow
        object.__setattr__(self, "preprocessor", preprocessor_of(self.sampler.file))
        needed = {name for one in flow.conditions.parts for name in one.needs}
        if others := sorted(needed - {"label", "mask"}):
            raise ValueError(f"starts are made of noise, classes and images; this model needs a {others[0]} too")
        if flow.coupling.needs_input != bool(self.images):
            verb = "needs" if flow.coupling.needs_input else "takes no"
            raise ValueError(f"this model {verb} --images, from which its inputs are made")
        if self.classes and "label" not in needed:
            raise ValueError("this model takes no --classes")
        if "mask" in needed and self.preprocessor.mask is None:
            raise ValueError("this model needs masks, and its checkpoint does not say which it was trained with")
        if "label" in needed and not self.classes:
            count = next(one.classes for one in flow.conditions.parts if isinstance(one, ClassLabel))
            object.__setattr__(self, "classes", range(count))
        multiple = lcm(flow.encoder.downscale, flow.coupling.scale)
        if self.images and (self.crop < multiple or self.crop % multiple):
            raise ValueError(f"crop is a multiple of {multiple} pixels for this model; got {self.crop}")

    def inputs(self, numbers: Sequence[int]) -> Inputs:
        """What the starts of these numbers are made of."""
        seeds = torch.tensor([self.seed + number for number in numbers])
        given: dict[str, Tensor] = {}
        if self.classes:
            given["label"] = torch.tensor([self.classes[number % len(self.classes)] for number in numbers])
        if not self.images:
            return Inputs(seeds, None, given)
        high = torch.stack([self._cropped(number) for number in numbers])
        made = self._degraded(high, seeds)
        if "mask" in made:
            given["mask"] = made["mask"]
        return Inputs(seeds, (made["low"].clamp(0, 1) * 255).round() / 255, given)

    @torch.no_grad()
    def start(self, inputs: Inputs, sampling: Sampling) -> Start:
        """Where sampling starts, as drawn by the law that was trained."""
        sampler, low = self.sampler, inputs.low
        given = {key: value.to(sampler.device) for key, value in inputs.given.items()}
        pipeline = sampler.flow.pipeline(as_trained(sampling), sampler.flow.execution(dtype=sampler.dtype))
        if low is not None:
            return pipeline.start(low.to(sampler.device), inputs.seeds, given)
        return pipeline.start_of_noise(sampler.size(None, given), inputs.seeds, given)

    def files(self, numbers: Sequence[int]) -> list[Path]:
        """The images of which these starts are made, each once."""
        return sorted({self.images[number % len(self.images)] for number in numbers}) if self.images else []

    def _cropped(self, number: int) -> Tensor:
        file = self.images[number % len(self.images)]
        pixels = read_image(file)
        if min(pixels.shape[:2]) < self.crop:
            size = f"{pixels.shape[1]}x{pixels.shape[0]}"
            raise ValueError(f"{file} is {size}: smaller than the crop of {self.crop} pixels")
        rng = np.random.default_rng(mix(self.seed, number))
        top, left = (int(rng.integers(side - self.crop + 1)) for side in pixels.shape[:2])
        part = pixels[top : top + self.crop, left : left + self.crop]
        return torch.from_numpy(part.copy()).permute(2, 0, 1).float() / 255

    def _degraded(self, high: Tensor, seeds: Tensor) -> dict[str, Tensor]:
        if self.preprocessor.makes_inputs:
            return self.preprocessor.degraded(high, seeds)
        scale = self.sampler.flow.coupling.scale
        if scale == 1:
            raise ValueError("the model's checkpoint names no degradation, and at scale 1 nothing is shrunk either")
        return {"low": resize(high, scale=1 / scale)}


def starts_of(
    sampler: Sampler,
    *,
    classes: Sequence[int] = (),
    images: str | Path | None = None,
    crop: int = 96,
    seed: int = 0,
) -> Starts:
    """The starts of a model, with the images of a file or of a folder."""
    place = None if images is None else Path(images)
    files = [] if place is None else [place] if place.is_file() else list_images(place)
    return Starts(sampler, classes, files, crop, seed)


def preprocessor_of(file: Path | None) -> RestorationPreprocessor:
    """What made the inputs of a checkpoint's training; nothing where it does not say."""
    meta: Mapping[str, Any] = {} if file is None else checkpoints.load(file)["meta"]
    config = (meta.get("model") or {}).get("data_preprocessor") or {}
    config = update_names({"type": "RestorationPreprocessor", **config}, warn=False)
    cls = find_class(config, MODELS)
    if not (isinstance(cls, type) and issubclass(cls, RestorationPreprocessor)):
        raise ValueError(f"{str(file)!r} was trained with a {config['type']}, by which no inputs can be made here")
    built: RestorationPreprocessor = MODELS.build(config)
    return built


def as_trained(sampling: Sampling) -> Sampling:
    """The sampling without what is done to starts and results at test time alone."""
    return replace(sampling, fidelity=0.0, noise=1.0, noise_contrast_limit=None, consistency=False)
