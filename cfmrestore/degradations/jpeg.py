"""JPEG compression by the codec itself."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, Size


@dataclass(frozen=True)
class JPEGParams:
    quality: Int[Tensor, " b"]


@DEGRADATIONS.register_module()
class JPEG(Degradation[JPEGParams]):
    """Round to 8 bits, encode and decode with libjpeg, chroma halved (4:2:0); clips to [0, 1].

    Args:
        quality: Range of the quality factor, drawn uniformly from the integers.
    """

    params_type = JPEGParams

    def __init__(self, *, quality: tuple[int, int] = (30, 95)) -> None:
        if not 1 <= quality[0] <= quality[1] <= 100:
            raise ValueError(f"need 1 <= low <= high <= 100; got {quality=}")
        self.quality = quality

    def sample(self, size: Size, rng: ImageRng) -> JPEGParams:
        del size
        return JPEGParams(rng.integers(*self.quality))

    def apply(self, image: Image, params: JPEGParams) -> Image:
        pixels = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        coded = [self._code(one, int(q)) for one, q in zip(pixels, params.quality.tolist(), strict=True)]
        return torch.from_numpy(np.stack(coded)).permute(0, 3, 1, 2).to(image) / 255

    @staticmethod
    def _code(pixels: np.ndarray, quality: int) -> np.ndarray:
        import cv2

        done, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert done
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert decoded is not None
        return decoded[..., ::-1]
