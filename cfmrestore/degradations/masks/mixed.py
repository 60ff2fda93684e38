"""Mixture of several kinds of masks."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.combine.groups import GroupsParams
from cfmrestore.degradations.combine.one_of import OneOf
from cfmrestore.degradations.masks.mask import Fill, MaskDegradation
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Size


@DEGRADATIONS.register_module()
class MixedMask(MaskDegradation[GroupsParams], OneOf):
    """Each image gets one kind of mask, with probabilities proportional to the weights.

    Args:
        masks: The kinds, or their configs; their own ``fill`` is not used.
        weights: One number a kind; equal ones if left out.
        fill: What stands in the holes: a value, "mean" or "telea".
    """

    def __init__(
        self,
        *,
        masks: Sequence[MaskDegradation[Any] | dict[str, Any]] = ({"type": "StrokeMask"}, {"type": "BoxMask"}),
        weights: Sequence[float] | None = None,
        fill: Fill = 0.5,
    ) -> None:
        MaskDegradation.__init__(self, fill=fill)
        self.masks: list[MaskDegradation[Any]] = [DEGRADATIONS.build(mask) for mask in masks]
        for kind in self.masks:
            if not isinstance(kind, MaskDegradation):
                raise ValueError(f"MixedMask chooses among masks; {type(kind).__name__} is none")
        OneOf.__init__(self, steps=self.masks, weights=weights)

    def mask(self, size: Size, params: GroupsParams) -> Float[Tensor, "b 1 h w"]:
        return params.gathered([self.masks[group.operator].mask(size, group.params) for group in params.groups])
