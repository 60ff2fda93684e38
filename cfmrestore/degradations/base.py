"""What every degradation promises."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, Size

P = TypeVar("P")


@dataclass(frozen=True)
class NoParams:
    """The parameters of an operator that draws nothing."""


class Degradation(ABC, Generic[P]):
    """An operator in two halves: ``sample`` draws all that is random, ``apply`` is a pure function.

    An operator whose application is random itself (noise) draws one integer seed an image in ``sample``. So a degraded
    image can be replayed bit for bit, from parameters that were written as JSON, in any batch.
    """

    params_type: ClassVar[type] = NoParams

    @abstractmethod
    def sample(self, size: Size, rng: ImageRng) -> P:
        """Draw the parameters of a batch of images of the given height and width, one set an image."""

    @abstractmethod
    def apply(self, image: Image, params: P) -> Image:
        """Degrade; equal parameters give equal bytes."""

    def out_size(self, size: Size) -> Size:
        """Height and width that ``apply`` makes of the given ones."""
        return size

    def __call__(self, image: Image, rng: ImageRng) -> Image:
        """Draw and apply."""
        return self.apply(image, self.sample((image.shape[-2], image.shape[-1]), rng))

    def params_to_json(self, params: P) -> dict[str, Any]:
        """Plain numbers, lists and strings."""
        return {f.name: _to_json(getattr(params, f.name)) for f in fields(params)}  # type: ignore[arg-type]

    def params_from_json(self, data: dict[str, Any]) -> P:
        """The exact inverse of ``params_to_json``."""
        result: P = self.params_type(**{name: _from_json(value) for name, value in data.items()})
        return result


def _to_json(value: Any) -> Any:
    if isinstance(value, Tensor):
        return {"dtype": str(value.dtype).removeprefix("torch."), "values": value.tolist()}
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict) and "dtype" in value:
        return torch.tensor(value["values"], dtype=getattr(torch, value["dtype"]))
    return value
