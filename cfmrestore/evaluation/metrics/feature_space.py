"""Feature spaces: which network looks at which parts of images."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.evaluation.metrics.base import as_file, size_of
from cfmrestore.evaluation.patches import cut_patches, patch_places
from cfmrestore.features import Extractor
from cfmrestore.registry import FEATURES, find_class

INCEPTION = "InceptionV3"


@lru_cache(maxsize=4)
def load_extractor(features: str, weights: str | None) -> Extractor:
    """One network for all metrics and benchmarks of an evaluation."""
    if weights == "seeded":
        if features not in (INCEPTION, "SeededNet"):
            raise ValueError(f"the weights 'seeded' are those of SeededNet; got {features=}")
        features = "SeededNet"
    network: Extractor = find_class({"type": features}, FEATURES).load(weights)
    return network


@dataclass(frozen=True)
class FeatureSpace:
    """The features of whole images, or of patches of them, by a network.

    Args:
        features: Name of a feature extractor.
        weights: File with its weights, or its folder; without it, where they usually lie. "seeded" takes ``SeededNet``.
        patches: How many patches an image is cut into; 0 takes whole images.
        patch_side: Side of a patch, in pixels.
        seed: Seed of the places, which are the same for images of one name and size.
    """

    features: str = INCEPTION
    weights: str | None = None
    patches: int = 0
    patch_side: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.patches < 0 or self.patch_side < 1:
            raise ValueError(
                f"need patches of 0 or more, and patch_side of 1 or more; got patches={self.patches}, "
                f"patch_side={self.patch_side}"
            )

    @property
    def extractor(self) -> Extractor:
        """The network, with its weights."""
        return load_extractor(self.features, self.weights)

    @torch.no_grad()
    def of(self, image: Float[Tensor, "3 h w"], name: str) -> Float[Tensor, "n d"]:
        """The features of an image as an 8-bit file, or of its patches, whose places depend on its name."""
        whole = as_file(image)
        if not self.patches:
            return self.extractor(whole[None])
        places = patch_places(self.seed, name, size_of(image), self.patch_side, self.patches)
        return self.extractor(cut_patches(whole, places, self.patch_side))

    def title(self, name: str) -> str:
        """Name of a column: with a p of patches, and not of Inception where the network is another."""
        name = f"p{name}" if self.patches else name
        if self.features == INCEPTION:
            return name
        return f"{name.replace('FID', 'FD').replace('KID', 'KD')} ({self.features})"

    def law(self) -> dict[str, str | int]:
        """What two sets must have in common to be compared."""
        network = {"features": type(self.extractor).__name__, "weights_sha256": self.extractor.digest()}
        return {**network, "patches": self.patches, "patch_side": self.patch_side if self.patches else 0}
