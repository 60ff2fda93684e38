"""Free-form masks, as of a thick brush."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import IntRange, check_whole
from cfmrestore.degradations.masks.mask import Fill, SeededMask
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Size


@DEGRADATIONS.register_module()
class StrokeMask(SeededMask):
    """Random walks of thick lines with round ends; every other stroke turns the other way.

    All ranges are of whole numbers, drawn uniformly; the defaults are those of LaMa's generator (its
    max_angle 4, max_len 60 on top of 10, max_width 20 on top of 5).

    Reference: Suvorov et al., 2022, Resolution-robust large mask inpainting (arXiv:2109.07161).

    Args:
        strokes: How many.
        segments: Lines of a stroke.
        angle: Direction of a line from the vertical, in radians.
        length: Length of a line, in pixels.
        width: Width of a line, in pixels.
        reference_side: Lengths and widths are for images of this smaller side, and grow with it; None leaves them.
        fill: What stands in the holes: a value, "mean" or "telea".
    """

    def __init__(
        self,
        *,
        strokes: IntRange = (0, 10),
        segments: IntRange = (1, 5),
        angle: IntRange = (0, 3),
        length: IntRange = (10, 69),
        width: IntRange = (5, 24),
        reference_side: int | None = 256,
        fill: Fill = 0.5,
    ) -> None:
        super().__init__(fill=fill, reference_side=reference_side)
        self.strokes, self.segments = check_whole("strokes", strokes, 0), check_whole("segments", segments, 1)
        self.angle, self.length = check_whole("angle", angle, 0), check_whole("length", length, 0)
        self.width = check_whole("width", width, 1)

    def holes(self, size: Size, rng: ImageRng) -> Float[Tensor, "h w"]:
        canvas = np.zeros(size, np.uint8)
        for number in range(int(rng.integers(*self.strokes))):
            self._stroke(canvas, -1 if number % 2 == 0 else 1, rng)
        return torch.from_numpy(canvas).float()

    def _stroke(self, canvas: np.ndarray, turn: int, rng: ImageRng) -> None:
        import cv2

        h, w = canvas.shape
        scale = self.length_scale((h, w))
        y, x = int(rng.integers(0, h - 1)), int(rng.integers(0, w - 1))
        for _ in range(int(rng.integers(*self.segments))):
            angle, length, width = (int(rng.integers(*r)) for r in (self.angle, self.length, self.width))
            to_x = min(max(round(x + scale * length * math.sin(turn * angle)), 0), w)
            to_y = min(max(round(y + scale * length * math.cos(turn * angle)), 0), h)
            cv2.line(canvas, (x, y), (to_x, to_y), 1, max(1, round(scale * width)))
            y, x = to_y, to_x
