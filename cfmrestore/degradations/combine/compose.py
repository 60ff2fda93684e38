"""Composition: one operator after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cfmrestore.degradations.base import Degradation
from cfmrestore.former_names import plugin_name
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image, Size

Step: TypeAlias = Degradation[Any] | dict[str, Any]
"""An operator, or its config."""


@dataclass(frozen=True)
class ComposeParams:
    """The parameters of each operator, in order."""

    steps: tuple[Any, ...]


@DEGRADATIONS.register_module()
class Compose(Degradation[ComposeParams]):
    """A chain of operators, each with generators of its own: an operator's draws do not depend on the others'.

    Args:
        steps: The operators, or their configs. Without any, images stay as they are.
    """

    def __init__(self, *, steps: Sequence[Step]) -> None:
        self.steps = built(steps)

    def sample(self, frame: Frame, rng: ImageRng) -> ComposeParams:
        params = []
        for index, step in enumerate(self.steps):
            step_params = step.sample(frame, rng.fork(f"{index} {step.stream or type(step).__name__}"))
            frame = frame._replace(size=step.out_size(frame.size, step_params))
            params.append(step_params)
        return ComposeParams(tuple(params))

    def apply(self, image: Image, params: ComposeParams) -> Image:
        for step, step_params in self.parts(params):
            image = step.applied(image, step_params)
        return image

    def out_size(self, size: Size, params: ComposeParams) -> Size:
        for step, step_params in self.parts(params):
            size = step.out_size(size, step_params)
        return size

    def parts(self, params: ComposeParams) -> Iterator[tuple[Degradation[Any], Any]]:
        return zip(self.steps, params.steps, strict=True)

    def params_to_json(self, params: ComposeParams) -> dict[str, Any]:
        return {"steps": [tagged(s, p) for s, p in self.parts(params)]}

    def params_from_json(self, data: dict[str, Any]) -> ComposeParams:
        if len(data["steps"]) != len(self.steps):
            raise ValueError(f"these parameters are of {len(data['steps'])} operators, the chain has {len(self.steps)}")
        return ComposeParams(tuple(untagged(s, p) for s, p in zip(self.steps, data["steps"], strict=True)))


def built(steps: Sequence[Step]) -> list[Degradation[Any]]:
    """Operators from their configs."""
    if not isinstance(steps, list | tuple):
        raise ValueError(f"steps must be a list of operators; got {steps!r}")
    operators = [DEGRADATIONS.build(step) for step in steps]
    for operator in operators:
        if not isinstance(operator, Degradation):
            raise ValueError(f'a step must be an operator or its config, dict(type="..."); got {operator!r}')
    return operators


def tagged(step: Degradation[Any], params: Any) -> dict[str, Any]:
    """An operator's parameters as JSON, with its name."""
    return {"type": type(step).__name__, **step.params_to_json(params)}


def untagged(step: Degradation[Any], data: dict[str, Any]) -> Any:
    """The parameters of ``tagged``, held against the operator that is there now."""
    name = plugin_name(str(data.get("type")), warn=False)
    if name != type(step).__name__:
        raise ValueError(f"these parameters are of {name}, the chain has {type(step).__name__} there")
    return step.params_from_json({key: value for key, value in data.items() if key != "type"})
