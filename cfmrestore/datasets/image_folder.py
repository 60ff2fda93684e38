"""Dataset of photographs, whose low-quality versions are made while training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.imageio import list_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class ImageFolder(ImageDataset):
    """All images below a folder, at any depth, in any format that Pillow or OpenCV reads.

    FFHQ (``images1024x1024/00000/00000.png`` and on) and CelebA-HQ (``CelebA-HQ-img/0.jpg`` and on) are such folders:
    ``data_root`` is the outer one, and ``ResizeCrop`` in the pipeline brings them to a size.

    Args:
        data_root: The folder.
        split: "held_out" takes every fourth file by name, beginning with the first; "train" the others.
        degradation: Operators by which the loader's workers make the low-quality images, the same as the preprocessor
            would make of them on the device: for chains that take image by image, where a GPU would wait. They end in
            levels of 8 bits.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``.
    """

    def __init__(
        self,
        *,
        data_root: str,
        split: str = "all",
        degradation: list[dict[str, Any]] | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        root = Path(data_root)
        self.samples = [(path.relative_to(root).as_posix(), {"high": path}) for path in list_images(root, split)]
        self.degradation = Compose(steps=degradation) if degradation else None

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        inputs = super().inputs(index, seed)
        if self.degradation is not None:
            low = 255 * self.degradation(inputs["high"][None].float() / 255, ImageRng([seed]).fork("degradation"))[0]
            levels = low.round()
            if (low - levels).abs().max() > 0.01:
                raise ValueError("a degradation of ImageFolder ends in levels of 8 bits: let Quantize be its last step")
            inputs["low"] = levels.to(torch.uint8)
        return inputs
