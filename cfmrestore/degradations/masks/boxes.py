"""Rectangular masks."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import IntRange, check_whole
from cfmrestore.degradations.masks.mask import Fill, SeededMask
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Size


@DEGRADATIONS.register_module()
class BoxMask(SeededMask):
    """Boxes at random places; the defaults are those of LaMa's generator. On a small image they shrink until they fit.

    Reference: Suvorov et al., 2022, Resolution-robust large mask inpainting (arXiv:2109.07161).

    Args:
        boxes: Range of how many, drawn uniformly.
        side: Range of height and width in whole pixels, drawn uniformly.
        margin: Pixels at the border that stay free.
        reference_side: Lengths are for images of this smaller side, and grow with it; None leaves them.
        fill: What stands in the holes: a value, "mean" or "telea".
    """

    def __init__(
        self,
        *,
        boxes: IntRange = (0, 3),
        side: IntRange = (30, 100),
        margin: int = 10,
        reference_side: int | None = 256,
        fill: Fill = 0.5,
    ) -> None:
        super().__init__(fill=fill, reference_side=reference_side)
        self.boxes, self.side = check_whole("boxes", boxes, 0), check_whole("side", side, 1)
        if not isinstance(margin, int) or margin < 0:
            raise ValueError(f"margin must be a whole number of 0 pixels or more; got {margin}")
        self.margin = margin

    def holes(self, size: Size, rng: ImageRng) -> Float[Tensor, "h w"]:
        mask = torch.zeros(size, device="cpu")
        scale = self.length_scale(size)
        for _ in range(int(rng.integers(*self.boxes))):
            rows, columns = (self._span(n, scale, rng) for n in size)
            mask[rows, columns] = 1
        return mask

    def _span(self, n: int, scale: float, rng: ImageRng) -> slice:
        """Where the box lies along an axis of n pixels."""
        margin = min(round(scale * self.margin), (n - 1) // 2)
        side = max(1, round(scale * int(rng.integers(*self.side))))
        side = min(side, n - 2 * margin)
        start = int(rng.integers(margin, n - margin - side))
        return slice(start, start + side)
