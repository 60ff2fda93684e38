"""Free-form masks of boxes and brushes, as MAT is trained and evaluated with."""

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

_ANGLE, _SPREAD = 2 * math.pi / 5, 2 * math.pi / 15


@DEGRADATIONS.register_module()
class FreeFormMask(SeededMask):
    """Boxes of up to half and up to the whole of a side, whose middles lie anywhere, and zigzags of a thick brush.

    A brush goes to and fro by angles around 2 pi / 5; its steps are normal, an eighth of the diagonal in the mean. The
    defaults are those of MAT at 256 pixels, after Zhao et al., 2021, Co-modulated GANs (arXiv:2103.10428). In MAT's own
    masks the hole is 0, here as everywhere 1.

    Reference: Li et al., 2022, MAT: mask-aware transformer for large hole image inpainting (arXiv:2203.15270).

    Args:
        small_boxes: IntRange of how many boxes of up to half a side.
        large_boxes: IntRange of how many of up to a whole side.
        brushes: IntRange of how many brushes.
        vertices: IntRange of how often a brush turns.
        width: IntRange of a brush's width, in pixels.
        reference_side: Widths are for images of this smaller side, and grow with it; None leaves them.
        fill: What stands in the holes: a value, "mean" or "telea".
    """

    def __init__(
        self,
        *,
        small_boxes: IntRange = (0, 3),
        large_boxes: IntRange = (0, 1),
        brushes: IntRange = (0, 7),
        vertices: IntRange = (4, 17),
        width: IntRange = (12, 47),
        reference_side: int | None = 256,
        fill: Fill = 0.5,
    ) -> None:
        super().__init__(fill=fill, reference_side=reference_side)
        self.small_boxes = check_whole("small_boxes", small_boxes, 0)
        self.large_boxes = check_whole("large_boxes", large_boxes, 0)
        self.brushes = check_whole("brushes", brushes, 0)
        self.vertices, self.width = check_whole("vertices", vertices, 1), check_whole("width", width, 1)

    def holes(self, size: Size, rng: ImageRng) -> Float[Tensor, "h w"]:
        canvas = np.zeros(size, np.uint8)
        for _ in range(int(rng.integers(*self.brushes))):
            self._brush(canvas, rng)
        flipped = tuple(axis for axis in range(2) if int(rng.integers(0, 1)))
        canvas = np.flip(canvas, flipped).copy()
        for divisor, count in ((2, self.small_boxes), (1, self.large_boxes)):
            for _ in range(int(rng.integers(*count))):
                rows, columns = (_span(n, max(n // divisor, 1), rng) for n in size)
                canvas[rows, columns] = 1
        return torch.from_numpy(canvas).float()

    def _brush(self, canvas: np.ndarray, rng: ImageRng) -> None:
        import cv2

        h, w = canvas.shape
        turns, step = int(rng.integers(*self.vertices)), math.hypot(h, w) / 8
        below, above = rng.uniform(2, high=_SPREAD)[0].tolist()
        angles = rng.uniform(turns, low=_ANGLE - below, high=_ANGLE + above)[0].numpy()
        angles[::2] *= -1
        radii = np.clip(step + step / 2 * rng.normal(turns)[0].numpy(), 0, 2 * step)
        width = max(1, round(self.length_scale((h, w)) * int(rng.integers(*self.width))))
        x, y = int(rng.integers(0, w - 1)), int(rng.integers(0, h - 1))
        for angle, radius in zip(angles.tolist(), radii.tolist(), strict=True):
            to_x = int(min(max(x + radius * math.cos(angle), 0), w))
            to_y = int(min(max(y + radius * math.sin(angle), 0), h))
            cv2.line(canvas, (x, y), (to_x, to_y), 1, width)
            x, y = to_x, to_y


def _span(n: int, limit: int, rng: ImageRng) -> slice:
    """Where a box shorter than the limit lies along an axis of n pixels: its middle on any of them."""
    side = int(rng.integers(0, limit - 1))
    start = int(rng.integers(0, n - 1)) - side // 2
    return slice(max(start, 0), max(start + side, 0))
