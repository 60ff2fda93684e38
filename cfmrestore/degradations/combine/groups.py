"""Combinator base class for operators that apply to some images of a batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.compose import tagged, untagged
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame, Image, Size


@dataclass(frozen=True)
class Group:
    """Some images of a batch, the operator (by its number) that they get, and its parameters."""

    images: tuple[int, ...]
    operator: int
    params: Any


@dataclass(frozen=True)
class GroupsParams:
    """Groups that together hold every image once."""

    groups: tuple[Group, ...]


class Grouping(Degradation[GroupsParams]):
    """Gives every image of a batch one of several operators.

    Args:
        operators: The operators to choose from.
    """

    params_type = GroupsParams

    def __init__(self, operators: Sequence[Degradation[Any]]) -> None:
        self.operators = list(operators)

    def grouped(self, choice: Int[Tensor, " b"], frame: Frame, rng: ImageRng) -> GroupsParams:
        """The parameters of images of which image i gets operator ``choice[i]``."""
        groups, chosen = [], choice.tolist()
        for number in sorted(set(chosen)):
            images = tuple(i for i, operator in enumerate(chosen) if operator == number)
            params = self.operators[number].sample(frame, rng.pick(images).fork(f"operator {number}"))
            groups.append(Group(images, number, params))
        return GroupsParams(tuple(groups))

    def apply(self, image: Image, params: GroupsParams) -> Image:
        if len(params.groups) == 1:
            (group,) = params.groups
            return self.operators[group.operator].apply(image, group.params)
        self.out_size((image.shape[-2], image.shape[-1]), params)
        parts = [self.operators[g.operator].apply(image[list(g.images)], g.params) for g in params.groups]
        order = torch.tensor([i for g in params.groups for i in g.images]).argsort()
        return torch.cat(parts)[order.to(image.device)]

    def out_size(self, size: Size, params: GroupsParams) -> Size:
        sizes = {self.operators[g.operator].out_size(size, g.params) for g in params.groups}
        if len(sizes) > 1:
            raise ValueError(
                f"{type(self).__name__} makes images of several sizes in one batch, {sorted(sizes)}: put the whole "
                "chain into PerImage, and end it with ResizeTo"
            )
        return sizes.pop()

    def parts(self, params: GroupsParams) -> Iterator[tuple[Degradation[Any], Any]]:
        return ((self.operators[group.operator], group.params) for group in params.groups)

    def params_to_json(self, params: GroupsParams) -> dict[str, Any]:
        groups = []
        for group in params.groups:
            params_json = tagged(self.operators[group.operator], group.params)
            groups.append({"images": list(group.images), "operator": group.operator, "params": params_json})
        return {"groups": groups}

    def params_from_json(self, data: dict[str, Any]) -> GroupsParams:
        groups = []
        for group in data["groups"]:
            number = group["operator"]
            if number not in range(len(self.operators)):
                raise ValueError(f"{type(self).__name__} has {len(self.operators)} operators, no number {number}")
            groups.append(Group(tuple(group["images"]), number, untagged(self.operators[number], group["params"])))
        images = sorted(i for group in groups for i in group.images)
        if images != list(range(len(images))):
            raise ValueError(f"{type(self).__name__} needs every image of the batch in one group; got {images}")
        return GroupsParams(tuple(groups))
