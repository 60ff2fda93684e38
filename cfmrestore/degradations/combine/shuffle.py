"""Random order of operators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.compose import Compose, ComposeParams, Step, built
from cfmrestore.degradations.combine.per_image import EachImage
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@dataclass(frozen=True)
class ShuffleParams:
    """For each image the order of the operators, and their parameters in that order."""

    orders: tuple[tuple[int, ...], ...]
    images: tuple[ComposeParams, ...]


@DEGRADATIONS.register_module()
class Shuffle(EachImage[ShuffleParams]):
    """All operators, in an order drawn for each image: the heart of BSRGAN (Zhang et al., 2021, arXiv:2103.14006).

    Args:
        steps: The operators, or their configs.
        in_order: Numbers of operators that keep their order among themselves.
    """

    def __init__(self, *, steps: Sequence[Step], in_order: Sequence[int] = ()) -> None:
        self.steps = built(steps)
        if not set(in_order) <= set(range(len(self.steps))) or len(set(in_order)) < len(in_order):
            raise ValueError(
                f"in_order must name some of the operators 0 to {len(self.steps) - 1} once; got {in_order}"
            )
        self.in_order = list(in_order)

    def _chain(self, order: Sequence[int]) -> Compose:
        return Compose(steps=[self.steps[i] for i in order])

    def sample(self, frame: Frame, rng: ImageRng) -> ShuffleParams:
        keys = rng.uniform(len(self.steps))
        keys[:, self.in_order] = keys[:, self.in_order].sort(dim=1).values
        orders = tuple(tuple(order) for order in keys.argsort(dim=1).tolist())
        images = (self._chain(order).sample(frame, rng.pick([i])) for i, order in enumerate(orders))
        return ShuffleParams(orders, tuple(images))

    def parts(self, params: ShuffleParams) -> Iterator[tuple[Degradation[Any], Any]]:
        return ((self._chain(order), p) for order, p in zip(params.orders, params.images, strict=True))

    def params_to_json(self, params: ShuffleParams) -> dict[str, Any]:
        pairs = list(zip(params.orders, params.images, strict=True))
        return {"images": [{"order": list(o), **self._chain(o).params_to_json(p)} for o, p in pairs]}

    def params_from_json(self, data: dict[str, Any]) -> ShuffleParams:
        orders = tuple(tuple(image["order"]) for image in data["images"])
        if any(sorted(order) != list(range(len(self.steps))) for order in orders):
            raise ValueError(f"each order must hold the {len(self.steps)} operators once; got {orders}")
        pairs = zip(orders, data["images"], strict=True)
        return ShuffleParams(orders, tuple(self._chain(order).params_from_json(one) for order, one in pairs))
