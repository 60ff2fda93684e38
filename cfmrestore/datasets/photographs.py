"""Base class of datasets of photographs, whose low-quality versions may be made by the loader's workers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.ops.rng import ImageRng


class Photographs(ImageDataset):
    """Photographs from anywhere.

    Args:
        degradation: Operators by which the loader's workers make the low-quality images, the same as the preprocessor
            would make of them on the device: for chains that take image by image, where a GPU would wait. They end in
            levels of 8 bits.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``.
    """

    def __init__(
        self,
        *,
        degradation: list[dict[str, Any]] | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        self.degradation = Compose(steps=degradation) if degradation else None

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        inputs = super().inputs(index, seed)
        if self.degradation is not None:
            low = 255 * self.degradation(inputs["high"][None].float() / 255, ImageRng([seed]).fork("degradation"))[0]
            levels = low.round()
            if (low - levels).abs().max() > 0.01:
                raise ValueError(
                    f"a degradation of {type(self).__name__} ends in levels of 8 bits: let Quantize be its last step"
                )
            inputs["low"] = levels.to(torch.uint8)
        return inputs
