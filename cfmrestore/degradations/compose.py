"""One operator after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cfmrestore.degradations.base import Degradation
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, Size


@dataclass(frozen=True)
class ComposeParams:
    """The parameters of each operator, in order."""

    steps: tuple[Any, ...]


@DEGRADATIONS.register_module()
class Compose(Degradation[ComposeParams]):
    """A chain of operators, each with generators of its own: an operator's draws do not depend on the others'.

    Args:
        steps: The operators, or their configs.
    """

    params_type = ComposeParams

    def __init__(self, *, steps: Sequence[Degradation[Any] | dict[str, Any]]) -> None:
        self.steps: list[Degradation[Any]] = [DEGRADATIONS.build(step) for step in steps]

    def sample(self, size: Size, rng: ImageRng) -> ComposeParams:
        params = []
        for index, step in enumerate(self.steps):
            params.append(step.sample(size, rng.fork(f"{index} {type(step).__name__}")))
            size = step.out_size(size)
        return ComposeParams(tuple(params))

    def apply(self, image: Image, params: ComposeParams) -> Image:
        for step, own in zip(self.steps, params.steps, strict=True):
            image = step.apply(image, own)
        return image

    def out_size(self, size: Size) -> Size:
        for step in self.steps:
            size = step.out_size(size)
        return size

    def params_to_json(self, params: ComposeParams) -> dict[str, Any]:
        steps = zip(self.steps, params.steps, strict=True)
        return {"steps": [{"type": type(s).__name__, **s.params_to_json(own)} for s, own in steps]}

    def params_from_json(self, data: dict[str, Any]) -> ComposeParams:
        params = []
        for step, own in zip(self.steps, data["steps"], strict=True):
            if own["type"] != type(step).__name__:
                raise ValueError(f"these parameters are of {own['type']}, the chain has {type(step).__name__} there")
            params.append(step.params_from_json({k: v for k, v in own.items() if k != "type"}))
        return ComposeParams(tuple(params))
