"""Reference statistics: what a set of pictures is in a feature space, for others to be compared with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cfmrestore.evaluation.functional.frechet import Gaussian
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace
from cfmrestore.imageio.atomic import atomic

FORMAT = 1


@dataclass(frozen=True)
class ReferenceSet:
    """The features of a set of pictures, or their mean and covariance.

    Args:
        gaussian: Mean and covariance, for the Fréchet distance.
        features: The features themselves, (n, d), for other metrics; None where they were not kept.
        law: Of which network and which parts of pictures (``FeatureSpace.law``).
        num_images: How many pictures.
        images_sha256: Digest of their names and pixels, as in result files.
        source: How a message calls it.
    """

    gaussian: Gaussian
    features: Tensor | None
    law: Mapping[str, str | int]
    num_images: int
    images_sha256: str
    source: str = "the reference"

    def check(self, space: FeatureSpace) -> None:
        """Refuse features of another network, or of other parts of pictures."""
        wanted = space.law()
        if wrong := [
            f"{key} {self.law.get(key)!r}, not {value!r}" for key, value in wanted.items() if self.law.get(key) != value
        ]:
            raise ValueError(f"{self.source} was made in another feature space: it has {'; '.join(wrong)}")

    def write(self, path: str | Path) -> None:
        """A safetensors file: tensors, and JSON beside them."""
        tensors = {"mean": self.gaussian.mean, "covariance": self.gaussian.covariance}
        if self.features is not None:
            tensors["features"] = self.features
        told = {
            "format": FORMAT,
            "space": dict(self.law),
            "num_images": self.num_images,
            "images_sha256": self.images_sha256,
        }
        with atomic(path) as unfinished:
            save_file({key: x.contiguous() for key, x in tensors.items()}, unfinished, {"reference": json.dumps(told)})


def read_reference(path: str | Path) -> ReferenceSet:
    """A file of :meth:`ReferenceSet.write`."""
    try:
        with safe_open(path, framework="pt") as file:
            told: dict[str, Any] = json.loads((file.metadata() or {}).get("reference", "{}"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dictionary
        if told.get("format") != FORMAT:
            raise ValueError(f"it does not say that it has format {FORMAT}")
        gaussian = Gaussian(tensors["mean"], tensors["covariance"])
        counts = told["num_images"], told["images_sha256"]
        return ReferenceSet(gaussian, tensors.get("features"), told["space"], *counts, str(path))
    except Exception as error:  # safetensors has errors of its own
        raise ValueError(f"{str(path)!r} is no file of reference statistics: {error}") from error
