"""JPEG compression by the codec itself."""

from dataclasses import dataclass
from functools import partial

from jaxtyping import Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation, check_range
from cfmrestore.degradations.codec.pixels import code_still, through_codec
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image

_QUALITY = 1  # cv2.IMWRITE_JPEG_QUALITY


@dataclass(frozen=True)
class QualityParams:
    quality: Int[Tensor, " b"]


@DEGRADATIONS.register_module()
class JPEG(Degradation[QualityParams]):
    """Round to 8 bits, encode and decode with libjpeg, chroma halved (4:2:0); clips to [0, 1].

    Args:
        quality: Range of the quality factor, drawn uniformly from the integers.
    """

    params_type = QualityParams

    def __init__(self, *, quality: tuple[int, int] = (30, 95)) -> None:
        check_range("quality", quality, 1, 100)
        self.quality = quality

    def sample(self, frame: Frame, rng: ImageRng) -> QualityParams:
        del frame
        return QualityParams(rng.integers(*self.quality))

    def apply(self, image: Image, params: QualityParams) -> Image:
        return through_codec(image, partial(code_still, ".jpg", _QUALITY), params.quality)
