"""A small classifier of handwritten digits, which is trained in seconds."""

import copy
import time
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.datasets.digits import Digits
from cfmrestore.features.base import Extractor
from cfmrestore.features.fitting import announce, fit, refuse_weights
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image, PerImage

_SIDE = 8  # pixels
_WIDTH = 16
_CLASSES = 10
_BATCH = 64
_STEPS = 600
_DOUBT = 0.05  # of the median ink: half a standard deviation


@FEATURES.register_module()
class DigitClassifier(Extractor):
    """Three convolutions and two linear layers, between which the feature lies; trained on ``Digits``, split "train".

    It sees the mean of the color channels, at 8x8 pixels, to which an image of another size is averaged. In training,
    digits are shifted by up to a pixel.
    """

    dim = 64

    def __init__(self) -> None:
        super().__init__()
        widths = (1, _WIDTH, 2 * _WIDTH, 4 * _WIDTH)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(c, d, 3, stride=stride, padding=1)
            for c, d, stride in zip(widths, widths[1:], (1, 2, 1), strict=False)
        )
        self.linear = nn.Linear(widths[-1] * (_SIDE // 2) ** 2, self.dim)
        self.classifier = nn.Linear(self.dim, _CLASSES)
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "DigitClassifier":
        """The trained network: it has no file."""
        refuse_weights(cls, weights)
        return copy.deepcopy(_trained())

    def forward(self, image: Image) -> Float[Tensor, "b 64"]:
        x = image.mean(dim=1, keepdim=True)
        if x.shape[-2:] != (_SIDE, _SIDE):
            x = F.interpolate(x, size=(_SIDE, _SIDE), mode="area")
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        return F.relu(self.linear(x.flatten(1)))

    def logits(self, features: Float[Tensor, "b 64"]) -> Float[Tensor, "b 10"]:
        """The classifier on top of the features; class k is the digit k."""
        return self.classifier(features)

    def attributes(self, image: Image) -> dict[str, Bool[Tensor, " b"]]:
        """The digit, and "thick": with more ink than the median of the digits that it is taken for."""
        digit, ink = self._ink(image)
        return {"thick": ink > 1, **{str(name): digit == name for name in range(_CLASSES)}}

    def doubtful(self, image: Image) -> dict[str, Bool[Tensor, " b"]]:
        """Whether digits are thick whose ink is within a twentieth of the median."""
        return {"thick": (self._ink(image)[1] - 1).abs() < _DOUBT}

    def _ink(self, image: Image) -> tuple[Int[Tensor, " b"], PerImage]:
        """The digit that an image is taken for, and its ink beside the median of those."""
        digit = self.logits(self(image)).argmax(dim=1)
        return digit, image.mean(dim=(1, 2, 3)) / _usual_ink().to(image)[digit]

    def probabilities(self, features: Float[Tensor, "b 64"]) -> Float[Tensor, "b 10"]:
        return self.logits(features).softmax(dim=1)


@lru_cache(maxsize=1)
def _usual_ink() -> Tensor:
    return torch.from_numpy(Digits(split="all").usual_ink)


@lru_cache(maxsize=1)
def _trained() -> DigitClassifier:
    began = time.perf_counter()
    images, labels = _digits("train")

    def loss(network: DigitClassifier) -> Tensor:
        chosen = torch.randint(len(images), (_BATCH,))
        down, right = torch.randint(-1, 2, (2,)).tolist()
        shifted = F.pad(images[chosen], (1, 1, 1, 1)).roll((down, right), (2, 3))[..., 1:-1, 1:-1]
        return F.cross_entropy(network.logits(network(shifted)), labels[chosen], label_smoothing=0.05)

    network = fit(DigitClassifier, loss, steps=_STEPS, rate=5e-3)
    images, labels = _digits("held_out")
    with torch.no_grad():
        share = (network.logits(network(images)).argmax(dim=1) == labels).double().mean()
    announce(DigitClassifier, began, float(share), f"{len(labels)} held-out digits")
    return network


def _digits(split: str) -> tuple[Image, Tensor]:
    data = Digits(split=split)
    images = torch.from_numpy(data.images)[:, None].float() / 255
    return images.expand(-1, 3, -1, -1), torch.from_numpy(data.labels).long()
