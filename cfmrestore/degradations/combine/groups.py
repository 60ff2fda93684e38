"""Combinator base class for operators that apply to some images of a batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.compose import tagged, untagged
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame, Image, IntPerImage


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

    def gathered(self, parts: list[Tensor]) -> Tensor:
        """The batch of what was made of each group."""
        order = torch.tensor([i for group in self.groups for i in group.images], device="cpu").argsort()
        return torch.cat(parts)[order.to(parts[0].device, non_blocking=True)]


class Grouping(Degradation[GroupsParams]):
    """Gives every image of a batch one of several operators."""

    def __init__(self, operators: list[Degradation[Any]]) -> None:
        self.operators = operators

    def grouped(self, choice: IntPerImage, frame: Frame, rng: ImageRng) -> GroupsParams:
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
            return self.operators[group.operator].applied(image, group.params)
        self.out_size((image.shape[-2], image.shape[-1]), params)
        return params.gathered(
            [self.operators[g.operator].applied(image[list(g.images)], g.params) for g in params.groups]
        )

    def parts(self, params: GroupsParams) -> Iterator[tuple[Degradation[Any], Any]]:
        return ((self.operators[group.operator], group.params) for group in params.groups)

    def params_to_json(self, params: GroupsParams) -> dict[str, Any]:
        pairs = zip(params.groups, self.parts(params), strict=True)
        return {
            "groups": [{"images": list(g.images), "operator": g.operator, "params": tagged(*part)} for g, part in pairs]
        }

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
