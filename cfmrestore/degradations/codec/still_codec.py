"""Degradation base classes for codecs: of anything, and of still images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from cfmrestore.degradations.base import ImageByImage, IntRange, P, check_whole
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame, IntPerImage, OneImage


class Codec(ImageByImage[P]):
    """Round to 8 bits, encode and decode; clips to [0, 1]."""

    clips = True
    order: ClassVar[str] = "RGB"
    """Order of the channels in the codec's arrays."""
    code: Callable[..., np.ndarray]
    """Encodes and decodes 8-bit pixels (h, w, 3); the image's parameters follow."""

    def degrade(self, x: OneImage, *numbers: Any) -> OneImage:
        import cv2

        levels = x.clamp(0, 1).mul_(255).round_().to(torch.uint8).cpu().numpy()
        coded = cv2.split(self.code(cv2.merge([levels["RGB".index(name)] for name in self.order]), *numbers))
        return torch.from_numpy(np.stack([coded[self.order.index(name)] for name in "RGB"])).to(x).div_(255)


@dataclass(frozen=True)
class QualityParams:
    quality: IntPerImage


class StillCodec(Codec[QualityParams]):
    """Encodes and decodes by OpenCV; the quality factor is drawn uniformly from the integers."""

    order = "BGR"
    extension: ClassVar[str]
    flag: ClassVar[int]  # OpenCV's number for "quality"

    def __init__(self, *, quality: IntRange = (30, 95)) -> None:
        self.quality = check_whole("quality", quality, 1, 100)

    def sample(self, frame: Frame, rng: ImageRng) -> QualityParams:
        return QualityParams(rng.integers(*self.quality))

    def code(self, pixels: np.ndarray, quality: int) -> np.ndarray:
        import cv2

        done, data = cv2.imencode(self.extension, pixels, [self.flag, quality])
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if done else None
        if decoded is None:
            height, width = pixels.shape[:2]
            raise ValueError(f"{type(self).__name__} cannot hold an image of {height}x{width} pixels")
        return np.asarray(decoded)
