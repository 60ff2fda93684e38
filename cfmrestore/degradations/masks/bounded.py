"""Masks of which not too much, or not too little, is hole."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import check_range
from cfmrestore.degradations.masks.mask import Fill, MaskDegradation, SeededMask
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Size


@DEGRADATIONS.register_module()
class BoundedMask(SeededMask):
    """Draw a mask again until the share of its holes is within bounds; LaMa's masks for evaluation have at most half.

    Args:
        mask: The kind of mask, or its config; its own ``fill`` is not used.
        share: The share of holes is more than the first, and at most the second.
        tries: So many draws; the one that is nearest to the bounds is taken where none is within, as on few pixels.
        fill: What stands in the holes: a value, "mean" or "telea".
    """

    def __init__(
        self,
        *,
        mask: MaskDegradation[Any] | dict[str, Any],
        share: tuple[float, float] = (0.0, 0.5),
        tries: int = 50,
        fill: Fill = 0.5,
    ) -> None:
        super().__init__(fill=fill)
        self.kind: MaskDegradation[Any] = DEGRADATIONS.build(mask)
        if not isinstance(self.kind, MaskDegradation):
            raise ValueError(f"BoundedMask draws masks; {type(self.kind).__name__} is none")
        if tries < 1:
            raise ValueError(f"tries must be 1 or more; got {tries}")
        self.share, self.tries = check_range("share", share, 0, 1), tries

    def holes(self, size: Size, rng: ImageRng) -> Float[Tensor, "h w"]:
        low, high = self.share
        nearest, least = torch.empty(0), float("inf")
        for number in range(self.tries):
            hole = self.kind.mask(size, self.kind.sample(Frame(size, size), rng.fork(f"try {number}")))[0, 0]
            share = float(hole.double().mean())
            if low < share <= high:
                return hole
            if (off := max(low - share, share - high)) < least:
                nearest, least = hole, off
        return nearest
