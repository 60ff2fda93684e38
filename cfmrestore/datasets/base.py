"""Dataset base class: what every dataset of images promises."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from cfmrestore.datasets.draws import Draw, Order, shuffled
from cfmrestore.datasets.recent import Recent
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.imageio import read_image, read_label_map
from cfmrestore.ops.permutation import Permutation
from cfmrestore.ops.rng import key_of, mix
from cfmrestore.plugins import broken
from cfmrestore.registry import TRANSFORMS


class SourceError(ValueError):
    """What holds many images is missing or damaged: that ends a run also where an image would be skipped."""


def contents_of(dataset: Any) -> str:
    """What a dataset holds, in words."""
    return getattr(dataset, "contents", None) or f"{len(dataset)} images"


class ImageDataset(Dataset[dict[str, Any]]):
    """Reads files, transforms them, and gives each image its seed.

    The seed of an image comes from (run seed, epoch, name of the file), so that an image gets the same crop and, later,
    the same degradation and noise whatever the batch, worker or rank.

    ``inputs`` of a sample holds "high", an image (3, h, w), and what there is of "low", its input; "peer", what another
    model made of that; "map", class indices (h, w) of its pixels; and "label", the class of the image, an integer. All
    but the label are of 8 bits. Classes, of images or of pixels, go from 0 on; their names are in
    ``metainfo["classes"]``.

    Args:
        pipeline: Transforms, applied in order.
        seed: The run's seed; the runner gives it.
        on_error: "raise" stops at an unreadable file and names it, "skip" warns and takes the next one. What holds many
            images (``SourceError``) is never skipped.
        cache_images: How many decoded files a worker keeps in memory.
    """

    samples: list[tuple[str, dict[str, Path]]]
    """Name and files of each sample."""

    contents: str | None = None
    """What it holds, in words; a training tells them."""

    computes_order = False
    """Whether its order is computed place by place: a permutation of all its images would be too large to store."""

    reads_in_windows = False
    """Whether images that are drawn one after the other should lie near each other: the others may be far to fetch."""

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
        self._read, self._read_map = Recent(read_image, cache_images), Recent(read_label_map, cache_images)
        self.metainfo: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def name(self, index: int) -> str:
        """A name that is stable when files are added: the path below the root."""
        return self.samples[index][0]

    def files(self, index: int) -> dict[str, Path]:
        """The files of one sample: "high", "low" where the input is not made by a degradation, "map".

        A dataset that has none overrides ``parts``.
        """
        return self.samples[index][1]

    def parts(self, index: int, seed: int) -> Sample:
        """The image of one sample, and what belongs to it pixel by pixel, before the transforms.

        Args:
            index: Which.
            seed: The image's own seed in this epoch, for a dataset that makes its images.
        """
        files = self.files(index).items()
        return {part: self._read_map(path) if part == "map" else self._read(path) for part, path in files}

    def label(self, index: int) -> int | None:
        """The class of the image, where it has one."""
        return None

    def attributes(self, index: int) -> dict[str, bool | None]:
        """What the image of epoch 0 shows, by name: whether or not, or None where it counts for neither."""
        return {}

    def __getitem__(self, draw: int | Draw) -> dict[str, Any]:
        if not isinstance(draw, Draw):
            draw = Draw(int(draw), 0, int(draw))
        for offset in range(len(self)):
            index = (draw.image + offset) % len(self)
            try:
                return self._load(draw._replace(image=index))
            except (ValueError, OSError) as error:
                if self.on_error == "raise" or isinstance(error, SourceError):
                    raise ValueError(f"{self.name(index)}: {error}") from error
                warnings.warn(f"skipped {self.name(index)}: {error}", RuntimeWarning, stacklevel=2)
                logging.getLogger("mmengine").warning("skipped %s: %s", self.name(index), error)
        raise ValueError(f"none of the {len(self)} images of {type(self).__name__} can be read")

    def _load(self, draw: Draw) -> dict[str, Any]:
        name = self.name(draw.image)
        seed = self.seed_of(draw.image, draw.epoch)
        data_sample = {"name": name, "seed": seed, "number": draw.number}
        return {"inputs": self.inputs(draw.image, seed), "data_samples": data_sample}

    def seed_of(self, index: int, epoch: int) -> int:
        """The seed of an image in an epoch."""
        return mix(self.seed, epoch, key_of(self.name(index)))

    def check_flow(self, flow: Any) -> None:
        """Refuse to be what a flow is trained or measured on, where what is stored is of another space."""
        digest = self.metainfo.get("encoder")
        if digest is not None and digest != flow.encoder.digest():
            raise ValueError(
                f"{type(self).__name__} holds latents of the encoder {digest}, and the flow's is "
                f"{type(flow.encoder).__name__} {flow.encoder.digest()}: give model.encoder the one that made them"
            )

    def order(self, seed: int) -> Order:
        """The indices in the order of an epoch, chosen by a seed."""
        return shuffled(len(self), seed)

    def order_of_draws(self, count: int, seed: int) -> Order:
        """The order of so many draws of a mixture, which take the images one after the other, over and over."""
        return Permutation(count, seed)

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        """What the flow gets of one sample, transformed."""
        sample = self.parts(index, seed)
        if "map" in sample and sample["map"].shape != sample["high"].shape[:2]:
            sizes = ["x".join(map(str, sample[part].shape[:2])) for part in ("map", "high")]
            raise ValueError(f"a label map of {sizes[0]} does not fit an image of {sizes[1]}")
        for number, transform in enumerate(self.pipeline):
            sample = transform(sample, mix(seed, number))
            if not isinstance(sample, dict) or any(pixels.dtype.kind not in "iu" for pixels in sample.values()):
                raise broken(transform, "transform", "it returns something else than a dict of integer arrays")
        inputs = {part: to_tensor(pixels) for part, pixels in sample.items()}
        if (label := self.label(index)) is not None:
            inputs["label"] = torch.tensor(label)
        return inputs


def to_tensor(pixels: np.ndarray) -> Tensor:
    """(h, w, 3) to (3, h, w), a map as it is; still 8 bits: the device turns images into floats."""
    return torch.from_numpy((pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels).copy())
