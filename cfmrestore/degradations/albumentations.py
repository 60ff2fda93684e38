"""Any transforms of the albumentations package as a degradation."""

import os
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from cfmrestore.degradations.base import Degradation, SeedParams
from cfmrestore.ops.parallel import map_images
from cfmrestore.registry import DEGRADATIONS, check_keys
from cfmrestore.suggestions import nearest
from cfmrestore.typing import Image


@DEGRADATIONS.register_module()
class Albumentations(Degradation[SeedParams]):
    """A chain of albumentations' transforms, seeded image by image; clips to [0, 1].

    Args:
        transforms: ``dict(type="RandomFog", p=1)`` and so on, by the names of that package. Sizes must stay.
        uint8: Round to 8 bits before, which many of the transforms expect. Without, they get floats in [0, 1].
    """

    clips = True

    def __init__(self, *, transforms: Sequence[Mapping[str, Any]], uint8: bool = True) -> None:
        build_chain(transforms)  # a mistake shows now, not with the first image
        self.transforms, self.uint8 = transforms, uint8

    def apply(self, image: Image, params: SeedParams) -> Image:
        pixels = image.clamp(0, 1).permute(0, 2, 3, 1)
        if self.uint8:
            pixels = (pixels * 255).round().to(torch.uint8)
        transformed = np.stack(map_images(self._transform, pixels.contiguous().cpu().numpy(), params.seed.tolist()))
        result = torch.from_numpy(transformed).permute(0, 3, 1, 2).to(image, memory_format=torch.contiguous_format)
        return result / 255 if self.uint8 else result.clamp(0, 1)

    def _transform(self, pixels: np.ndarray, seed: int) -> np.ndarray:
        # A chain holds its random state: each image, which may have a thread of its own, gets another.
        made = run_chain(build_chain(self.transforms), seed, image=pixels)["image"]
        if not (isinstance(made, np.ndarray) and made.shape == pixels.shape and made.dtype == pixels.dtype):
            raise ValueError(
                f"the transforms of Albumentations must keep size, channels and type, {pixels.shape} {pixels.dtype}; "
                f"they made {getattr(made, 'shape', ())} {getattr(made, 'dtype', type(made))}: "
                "use ResizeTo or Downscale to change sizes"
            )
        return made


def build_chain(transforms: Sequence[Mapping[str, Any]], **targets: str) -> Any:
    """A ``Compose`` of the transforms that configs name; ``targets`` are names of further images, with their kind."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask a server for newer versions
    import albumentations

    steps = [_build(albumentations, cfg) for cfg in transforms]
    return albumentations.Compose(steps, additional_targets=targets, is_check_shapes=False)


def run_chain(chain: Any, seed: int, **images: np.ndarray) -> dict[str, Any]:
    """Transform images alike; equal seeds give equal bytes."""
    # One stream for the whole chain: with a seed, every transform would draw the same numbers.
    chain.set_random_state(np.random.default_rng(seed), random.Random(seed))
    return chain(**images)


def _build(package: Any, cfg: Mapping[str, Any]) -> Any:
    kind, keys = cfg.get("type", ""), {k: v for k, v in cfg.items() if k != "type"}
    cls = getattr(package, kind, None)
    if not (isinstance(cls, type) and issubclass(cls, package.BasicTransform | package.BaseCompose)):
        raise ValueError(f"albumentations has no {kind!r}; {nearest(kind, dir(package))}")
    check_keys(cls, keys, "albumentations: ")
    if "transforms" in keys:
        keys["transforms"] = [_build(package, transform) for transform in keys["transforms"]]
    return cls(**keys)
