"""Several conditions, told to one network."""

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import broken
from cfmrestore.typing import Conditioning, Image


class ConditionStack(nn.ModuleDict):
    """Conditions by name, in the order of the config: their maps and vectors side by side.

    Args:
        conditions: The conditions; a second one of a class is called ``Class_2``.
    """

    def __init__(self, conditions: Sequence[Condition] = ()) -> None:
        super().__init__()
        for condition in conditions:
            name = type(condition).__name__
            count = sum(key.partition("_")[0] == name for key in self)
            self[f"{name}_{count + 1}" if count else name] = condition
        if sum(condition.noise_level for condition in conditions) > 1:
            raise ValueError("the noise level is told once: give noise_level to one condition")

    @property
    def parts(self) -> list[Condition]:
        """The conditions."""
        return list(self.values())  # type: ignore[arg-type]

    @property
    def context_channels(self) -> int:
        """Channels of the context."""
        return sum(part.context_channels for part in self.parts)

    @property
    def embedding_channels(self) -> int:
        """Length of the embedding."""
        return sum(part.embedding_channels for part in self.parts)

    @property
    def noise_level(self) -> bool:
        """Whether the noise level is told."""
        return any(part.noise_level for part in self.parts)

    @property
    def tells(self) -> frozenset[str]:
        """Fields of ``Source`` that the network is told."""
        return frozenset().union(*(part.tells for part in self.parts))

    @property
    def tells_input(self) -> bool:
        """Whether the network is told the low-quality image."""
        return any("low" in part.needs for part in self.parts) or "lowres" in self.tells

    @property
    def droppable(self) -> list[str]:
        """Names of the conditions that are dropped in training, which guidance can strengthen."""
        return [name for name, part in zip(self, self.parts, strict=True) if part.dropout > 0]

    def prepare(self, low: Image, given: Mapping[str, Tensor]) -> Image:
        """The input as the conditions have it."""
        for part in self.parts:
            low = part.prepare(low, given)
        return low

    def check(self, inputs: ConditionInputs) -> None:
        """Refuse a batch that lacks what a condition tells."""
        for name, part in zip(self, self.parts, strict=True):
            if missing := [key for key in part.needs if key not in inputs.given]:
                raise ValueError(f"the condition {name} needs a {' and a '.join(missing)}, which was not given")

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        """What the network is told."""
        return self.embed_rows(inputs, [()])[0]

    def embed_rows(self, inputs: ConditionInputs, dropped: Sequence[Collection[str]]) -> list[Conditioning]:
        """What the network is told without the conditions of these names, row by row; each is embedded once."""
        self.check(inputs)
        named = list(zip(self, self.parts, strict=True))
        told = {name: _embedded(part, inputs) for name, part in named if any(name not in row for row in dropped)}
        null = {name: _embedded(part, inputs, "null") for name, part in named if any(name in row for row in dropped)}
        return [merge([null[name] if name in row else told[name] for name in self]) for row in dropped]

    def embed_with_dropout(self, inputs: ConditionInputs, rng: ImageRng) -> Conditioning:
        """What the network is told in training: image by image, each condition or in its place nothing."""
        self.check(inputs)
        told = []
        for name, part in zip(self, self.parts, strict=True):
            here = _embedded(part, inputs)
            if part.dropout > 0:
                lost = rng.fork(f"dropout {name}").uniform() < part.dropout
                null = _embedded(part, inputs, "null")
                here = {
                    key: torch.where(expand_as(lost.to(v.device, non_blocking=True), v), null[key], v)
                    for key, v in here.items()
                }
            told.append(here)
        return merge(told)

    def zeros(self, x: Tensor) -> Conditioning:
        """A conditioning of zeros for a latent, of the right shapes: on which costs are measured."""
        told = {}
        if self.context_channels:
            told["context"] = x.new_zeros(len(x), self.context_channels, *x.shape[2:])
        if self.embedding_channels:
            told["embedding"] = x.new_zeros(len(x), self.embedding_channels)
        if self.noise_level:
            told["noise_level"] = x.new_zeros(len(x))
        return told


def _embedded(part: Condition, inputs: ConditionInputs, method: str = "embed") -> Conditioning:
    """What a condition tells, or tells in place of nothing, held to what it declares."""
    told: Conditioning = getattr(part, method)(inputs)
    x_0 = inputs.source.x_0
    batch = x_0.shape[0]  # in a graph it is open, which len is not
    sizes = {
        "context": (batch, part.context_channels, *x_0.shape[2:]),
        "embedding": (batch, part.embedding_channels),
        "noise_level": (batch,) if part.noise_level else (0,),
    }
    promised = {key: size for key, size in sizes.items() if 0 not in size[:2]}
    found = {key: tuple(value.shape) for key, value in told.items()}
    if found != promised:
        raise broken(
            part, "condition", f"{method} tells {found}, where {promised} was promised (context_channels, "
            "embedding_channels, noise_level)"
        )  # fmt: skip
    return told


def merge(parts: Sequence[Conditioning]) -> Conditioning:
    """Maps and vectors of several conditions one behind the other."""
    keys = {key: None for part in parts for key in part}  # in order
    found = {key: [part[key] for part in parts if key in part] for key in keys}
    return {key: values[0] if len(values) == 1 else torch.cat(values, dim=1) for key, values in found.items()}
