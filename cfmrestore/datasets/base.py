"""Dataset base class: what every dataset of images promises."""

import logging
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cfmrestore.datasets.draws import Draw
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.imageio import read_image
from cfmrestore.ops.rng import key_of, mix
from cfmrestore.registry import TRANSFORMS


class ImageDataset(Dataset[dict[str, Any]]):
    """Reads files, transforms them, and gives each image its seed.

    The seed of an image comes from (run seed, epoch, name of the file), so that an image gets the same crop and, later,
    the same degradation and noise whatever the batch, worker or rank.

    Args:
        pipeline: Transforms, applied in order.
        seed: The run's seed; the runner gives it.
        on_error: "raise" stops at an unreadable file and names it, "skip" warns and takes the next one.
        cache_images: How many decoded files a worker keeps in memory.
    """

    samples: list[tuple[str, dict[str, Path]]]
    """Name and files of each sample."""

    def __init__(
        self,
        *,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error must be 'raise' or 'skip'; got {on_error!r}")
        self.pipeline: list[Transform] = [TRANSFORMS.build(step) for step in pipeline]
        self.seed, self.on_error = seed or 0, on_error
        self._read = lru_cache(maxsize=cache_images)(read_image) if cache_images else read_image
        self.metainfo: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def name(self, index: int) -> str:
        """A name that is stable when files are added: the path below the root."""
        return self.samples[index][0]

    def files(self, index: int) -> dict[str, Path]:
        """The files of one sample: "high", and "low" where the input is not made by a degradation."""
        return self.samples[index][1]

    def __getitem__(self, draw: int | Draw) -> dict[str, Any]:
        if not isinstance(draw, Draw):
            draw = Draw(int(draw), 0, int(draw))
        for offset in range(len(self)):
            index = (draw.image + offset) % len(self)
            try:
                return self._load(draw._replace(image=index))
            except (ValueError, OSError) as error:
                if self.on_error == "raise":
                    raise ValueError(f"{self.name(index)}: {error}") from error
                warnings.warn(f"skipped {self.name(index)}: {error}", RuntimeWarning, stacklevel=2)
                logging.getLogger("mmengine").warning("skipped %s: %s", self.name(index), error)
        raise ValueError(f"none of the {len(self)} images of {type(self).__name__} can be read")

    def _load(self, draw: Draw) -> dict[str, Any]:
        name = self.name(draw.image)
        seed = mix(self.seed, draw.epoch, key_of(name))
        data_sample = {"name": name, "seed": seed, "number": draw.number}
        return {"inputs": self._inputs(self.files(draw.image), seed), "data_samples": data_sample}

    def _inputs(self, files: dict[str, Path], seed: int) -> dict[str, Tensor]:
        sample: Sample = {part: self._read(path) for part, path in files.items()}
        for number, transform in enumerate(self.pipeline):
            sample = transform(sample, mix(seed, number))
        return {part: to_tensor(pixels) for part, pixels in sample.items()}


def to_tensor(pixels: np.ndarray) -> Tensor:
    """(h, w, 3) to (3, h, w), still 8 bits: the device turns them into floats."""
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())
