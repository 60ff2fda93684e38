"""Outpainting masks at the sides: the image is to be continued."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import IntRange, Range, check_range, check_whole
from cfmrestore.degradations.masks.mask import Fill, SeededMask
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Size


@DEGRADATIONS.register_module()
class OutpaintMask(SeededMask):
    """Cut strips off some sides of the image; at least its middle pixel is kept.

    Args:
        sides: Range of how many sides are cut, drawn uniformly; which ones is random too.
        share: Range of a strip's share of the height or width, drawn uniformly for each side.
        fill: What stands in the holes: a value, "mean" or "telea".
    """

    def __init__(self, *, sides: IntRange = (1, 4), share: Range = (0.1, 0.3), fill: Fill = 0.5) -> None:
        super().__init__(fill=fill)
        self.sides, self.share = check_whole("sides", sides, 0, 4), check_range("share", share, 0, 0.5)

    def holes(self, size: Size, rng: ImageRng) -> Float[Tensor, "h w"]:
        h, w = size
        shares = rng.uniform(4, low=self.share[0], high=self.share[1])[0].tolist()
        cut = [min(round(s * n), (n - 1) // 2) for s, n in zip(shares, (h, h, w, w), strict=True)]
        whole = rng.uniform(4)[0].argsort(stable=True)[int(rng.integers(*self.sides)) :]
        for side in whole.tolist():
            cut[side] = 0
        mask = torch.ones(size, device="cpu")
        mask[cut[0] : h - cut[1], cut[2] : w - cut[3]] = 0
        return mask
