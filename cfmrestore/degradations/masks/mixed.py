"""Mixture of several kinds of masks."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.groups import GroupsParams
from cfmrestore.degradations.combine.one_of import OneOf
from cfmrestore.degradations.masks.mask import Fill, MaskDegradation
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Size


@DEGRADATIONS.register_module()
class MixedMask(MaskDegradation[GroupsParams]):
    """Each image gets one kind of mask, with probabilities proportional to the weights.

    Args:
        masks: The kinds, or their configs; their own ``fill`` is not used.
        weights: One number a kind; equal ones if left out.
        fill: What stands in the holes: a value, "mean" or "telea".
    """

    params_type = GroupsParams

    def __init__(
        self,
        *,
        masks: Sequence[MaskDegradation[Any] | dict[str, Any]] = ({"type": "StrokeMask"}, {"type": "BoxMask"}),
        weights: Sequence[float] | None = None,
        fill: Fill = 0.5,
    ) -> None:
        super().__init__(fill=fill)
        self.masks: list[MaskDegradation[Any]] = [DEGRADATIONS.build(mask) for mask in masks]
        for kind in self.masks:
            if not isinstance(kind, MaskDegradation):
                raise ValueError(f"MixedMask chooses among masks; {type(kind).__name__} is none")
        self.one_of = OneOf(steps=self.masks, weights=weights)

    def sample(self, frame: Frame, rng: ImageRng) -> GroupsParams:
        return self.one_of.sample(frame, rng)

    def mask(self, size: Size, params: GroupsParams) -> Float[Tensor, "b 1 h w"]:
        masks = [self.masks[group.operator].mask(size, group.params) for group in params.groups]
        order = torch.tensor([i for group in params.groups for i in group.images], device="cpu").argsort()
        return torch.cat(masks)[order]

    def parts(self, params: GroupsParams) -> Iterator[tuple[Degradation[Any], Any]]:
        return self.one_of.parts(params)

    def params_to_json(self, params: GroupsParams) -> dict[str, Any]:
        return self.one_of.params_to_json(params)

    def params_from_json(self, data: dict[str, Any]) -> GroupsParams:
        return self.one_of.params_from_json(data)
