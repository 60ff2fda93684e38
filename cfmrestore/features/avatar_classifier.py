"""A small classifier of the attributes of drawn portraits, which is trained in seconds."""

import copy
import time
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.datasets.avatars import ATTRIBUTES, Avatars
from cfmrestore.features.base import Extractor
from cfmrestore.features.fitting import announce, fit, refuse_weights
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image

_SIDE = 64  # pixels
_BATCH = 32
_STEPS = 700
_AVATARS = 2500


@FEATURES.register_module()
class AvatarClassifier(Extractor):
    """Three convolutions and two linear layers, between which the feature lies; trained on ``Avatars`` of any place.

    An image is brought to 64x64 pixels. In training, avatars are shifted by up to two pixels, and made lighter or
    darker.
    """

    dim = 64

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 32)
        self.convolutions = nn.ModuleList(nn.Conv2d(c, d, 3, stride=2, padding=1) for c, d in pairwise(widths))
        self.linear = nn.Linear(widths[-1] * (_SIDE // 8) ** 2, self.dim)
        self.classifier = nn.Linear(self.dim, len(ATTRIBUTES))
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "AvatarClassifier":
        """The trained network: it has no file."""
        refuse_weights(cls, weights)
        return copy.deepcopy(_trained())

    def forward(self, image: Image) -> Float[Tensor, "b 64"]:
        x = F.interpolate(image, size=(_SIDE, _SIDE), mode="area") - 0.5
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        return F.relu(self.linear(x.flatten(1)))

    def logits(self, features: Float[Tensor, "b 64"]) -> Float[Tensor, "b 5"]:
        """The classifier on top of the features: positive where an avatar has the attribute, in their order."""
        return self.classifier(features)

    def shows(self, image: Image) -> Bool[Tensor, "b 5"]:
        """Which attributes images show."""
        return self.logits(self(image)) > 0

    def attributes(self, image: Image) -> dict[str, Bool[Tensor, " b"]]:
        return dict(zip(ATTRIBUTES, self.shows(image).unbind(dim=1), strict=True))


@lru_cache(maxsize=1)
def _trained() -> AvatarClassifier:
    began = time.perf_counter()
    images, shown = _avatars("train", _AVATARS)

    def loss(network: AvatarClassifier) -> Tensor:
        chosen = torch.randint(len(images), (_BATCH,))
        down, right = torch.randint(-2, 3, (2,)).tolist()
        light = 0.2 * (torch.rand(_BATCH, 1, 1, 1) - 0.5)
        seen = (images[chosen].roll((down, right), (2, 3)) + light).clamp(0, 1)
        return F.binary_cross_entropy_with_logits(network.logits(network(seen)), shown[chosen])

    network = fit(AvatarClassifier, loss, steps=_STEPS, rate=5e-3)
    images, shown = _avatars("held_out", 200)
    with torch.no_grad():
        share = (network.shows(images) == shown.bool()).double().mean()
    announce(AvatarClassifier, began, float(share), "the attributes of 200 held-out avatars")
    return network


def _avatars(split: str, count: int) -> tuple[Image, Float[Tensor, "n 5"]]:
    data = Avatars(split=split, length=count, size=_SIDE, aligned=False)
    images = torch.stack([data[index]["inputs"]["high"] for index in range(count)]).float() / 255
    shown = [[data.attributes(index)[name] for name in ATTRIBUTES] for index in range(count)]
    return images, torch.tensor(shown).float()
