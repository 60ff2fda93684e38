"""Degradation base class for codecs of still images."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation, check_whole
from cfmrestore.degradations.codec.pixels import through_codec
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame, Image


@dataclass(frozen=True)
class QualityParams:
    quality: Int[Tensor, " b"]


class StillCodec(Degradation[QualityParams]):
    """Round to 8 bits, encode and decode by OpenCV; clips to [0, 1].

    Args:
        quality: Range of the quality factor, drawn uniformly from the integers.
    """

    params_type = QualityParams
    clips = True
    extension: ClassVar[str]
    flag: ClassVar[int]  # OpenCV's number for "quality"

    def __init__(self, *, quality: tuple[int, int] = (30, 95)) -> None:
        check_whole("quality", quality, 1, 100)
        self.quality = quality

    def sample(self, frame: Frame, rng: ImageRng) -> QualityParams:
        del frame
        return QualityParams(rng.integers(*self.quality))

    def apply(self, image: Image, params: QualityParams) -> Image:
        return through_codec(image, self._code, params.quality, order="BGR")

    def _code(self, pixels: np.ndarray, quality: int) -> np.ndarray:
        import cv2

        done, data = cv2.imencode(self.extension, pixels, [self.flag, quality])
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if done else None
        if decoded is None:
            height, width = pixels.shape[:2]
            raise ValueError(f"{type(self).__name__} cannot hold an image of {height}x{width} pixels")
        return np.asarray(decoded)
