"""A small segmenter of generated scenes, which is trained in seconds."""

import copy
import time
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.datasets.scenes import CLASSES, Scenes
from cfmrestore.features.base import Extractor
from cfmrestore.features.fitting import announce, fit, refuse_weights
from cfmrestore.registry import FEATURES
from cfmrestore.typing import Image

_WIDTH = 24
_BATCH = 8
_STEPS = 300
_SCENES = 800  # of 64x64 pixels


@FEATURES.register_module()
class SceneSegmenter(Extractor):
    """Convolutions at a half and at a quarter of the size, with the classes of ``Scenes`` a pixel; trained on those.

    The feature of an image is the mean over its places, the probabilities are those of its classes there.
    """

    dim = _WIDTH

    def __init__(self) -> None:
        super().__init__()
        width = _WIDTH
        self.fine = nn.Sequential(*_conv(3, width, kernel=5, stride=2), *_conv(width, width))
        self.coarse = nn.Sequential(
            *_conv(width, 2 * width, stride=2),
            *_conv(2 * width, 2 * width),
            *_conv(2 * width, 2 * width, dilation=2),
            *_conv(2 * width, 2 * width, dilation=2),
        )
        self.joint = nn.Sequential(*_conv(3 * width, width))
        self.classifier = nn.Linear(width, len(CLASSES))
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "SceneSegmenter":
        """The trained network: it has no file."""
        refuse_weights(cls, weights)
        return copy.deepcopy(_trained())

    def maps(self, image: Image) -> list[Float[Tensor, "b _ _ _"]]:
        """What comes out at a half of the size, at a quarter, and of both together."""
        fine = self.fine(2 * image - 1)
        coarse = self.coarse(fine)
        joint = self.joint(torch.cat([fine, _resized(coarse, fine)], dim=1))
        return [fine, coarse, joint]

    def forward(self, image: Image) -> Float[Tensor, "b 24"]:
        return self.maps(image)[-1].mean(dim=(-2, -1))

    def probabilities(self, features: Float[Tensor, "b 24"]) -> Float[Tensor, "b 6"]:
        return self.classifier(features).softmax(dim=1)

    def logits_map(self, image: Image) -> Float[Tensor, "b 6 h w"]:
        """The classifier at each pixel."""
        joint = self.maps(image)[-1]
        return _resized(self.classifier(joint.movedim(1, -1)).movedim(-1, 1), image)

    def class_map(self, image: Image) -> Int[Tensor, "b h w"]:
        return self.logits_map(image).argmax(dim=1)


def _conv(channels: int, width: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(channels, width, kernel, stride=stride, padding=padding, dilation=dilation, bias=False)
    return [conv, nn.BatchNorm2d(width), nn.ReLU()]


def _resized(x: Float[Tensor, "b _ _ _"], like: Float[Tensor, "b _ _ _"]) -> Float[Tensor, "b _ _ _"]:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


@lru_cache(maxsize=1)
def _trained() -> SceneSegmenter:
    began = time.perf_counter()
    images, labels = _scenes("train", _SCENES)

    def loss(network: SceneSegmenter) -> Tensor:
        chosen = torch.randint(len(images), (_BATCH,))
        return F.cross_entropy(network.logits_map(images[chosen]), labels[chosen])

    network = fit(SceneSegmenter, loss, steps=_STEPS, rate=1e-2)
    images, labels = _scenes("held_out", 100)
    with torch.no_grad():
        share = torch.cat([network.class_map(part) for part in images.split(_BATCH)]).eq(labels).double().mean()
    announce(SceneSegmenter, began, float(share), "the pixels of 100 held-out scenes")
    return network


def _scenes(split: str, count: int) -> tuple[Image, Int[Tensor, "b h w"]]:
    data = Scenes(split=split, length=count)
    scenes = [data[index]["inputs"] for index in range(count)]
    images = torch.stack([one["high"] for one in scenes]).float() / 255
    return images.contiguous(memory_format=torch.channels_last), torch.stack([one["map"] for one in scenes]).long()
