"""A small network with seeded random weights: features for tests and smoke runs."""

from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.features.base import Extractor
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image

_CHANNELS = (3, 16, 32, 64)
_CLASSES = 10


@FEATURES.register_module()
class SeededNet(Extractor):
    """Three convolutions of stride 2, the mean over places, and ten classes.

    Its numbers compare two runs of one program; they mean nothing beside published ones.

    Args:
        seed: Seed of the weights, which are drawn on the CPU.
    """

    dim = _CHANNELS[-1]

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        with torch.device("meta"):
            sizes = pairwise(_CHANNELS)
            self.convolutions = nn.ModuleList(nn.Conv2d(c, d, 3, stride=2, padding=1, bias=False) for c, d in sizes)
            self.classifier = nn.Linear(self.dim, _CLASSES, bias=False)
        self.to_empty(device="cpu")
        for parameter in self.parameters():
            nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "SeededNet":
        """The network of seed 0: it has no file."""
        if weights not in (None, "seeded"):
            raise ValueError(f"SeededNet has no file of weights; got {str(weights)!r}")
        return cls()

    def maps(self, image: Image) -> list[Float[Tensor, "b _ _ _"]]:
        """What comes out of each convolution, after its ReLU."""
        maps, x = [], 2 * image - 1
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
            maps.append(x)
        return maps

    def forward(self, image: Image) -> Float[Tensor, "b 64"]:
        return self.maps(image)[-1].mean(dim=(-2, -1))

    def probabilities(self, features: Float[Tensor, "b 64"]) -> Float[Tensor, "b 10"]:
        return self.classifier(features).softmax(dim=1)
