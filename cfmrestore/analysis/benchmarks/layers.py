"""The layers of a network alone: convolutions, products of matrices and attention, on the shapes that it gives them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from cfmrestore.restore.cost_model import OPERATIONS


@dataclass(frozen=True)
class Shape:
    """A tensor without its values."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    def filled(self) -> Tensor:
        """Such a tensor, of random values, or of zeros where it holds indices."""
        own = [1 if step == 0 else n for n, step in zip(self.size, self.stride, strict=True)]  # the rest is expanded
        empty = torch.empty_strided(own, self.stride, dtype=self.dtype, device=self.device)
        return (empty.normal_() if self.dtype.is_floating_point else empty.zero_()).expand(self.size)


@dataclass(frozen=True)
class Layer:
    """An operator on tensors of given shapes, forward or backward."""

    operator: Any
    args: tuple[Any, ...]
    operations: int

    def __str__(self) -> str:
        sizes = ["x".join(map(str, one.size)) for one in self.args if isinstance(one, Shape)]
        return " ".join([self.operator._overloadpacket.__name__, *sizes[:2]])

    def call(self) -> Callable[[int], Any]:
        """What evaluates it alone."""
        args = [_filled(one) for one in self.args]
        return lambda _: self.operator(*args)


class LayerRecorder(TorchDispatchMode):
    """How often each layer is evaluated inside."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: Counter[Layer] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if (count := OPERATIONS.get(func._overloadpacket)) is not None:
            operations = count(*args, **(kwargs or {}), out_val=result)
            named = {**dict(zip((a.name for a in func._schema.arguments), args, strict=False)), **(kwargs or {})}
            values = tuple(_hashable(named.get(a.name, a.default_value)) for a in _positional(func))
            self.layers[Layer(func, values, operations)] += 1
        return result


def _positional(func: Any) -> list[Any]:
    return [argument for argument in func._schema.arguments if not argument.kwarg_only]


def _hashable(value: Any) -> Any:
    shaped = tree_map(
        lambda x: Shape((*x.shape,), x.stride(), x.dtype, x.device) if isinstance(x, Tensor) else x, value
    )
    return tuple(shaped) if isinstance(shaped, list) else shaped


def _filled(value: Any) -> Any:
    return value.filled() if isinstance(value, Shape) else [*value] if isinstance(value, tuple) else value


def layers_of(function: Callable[[], Any]) -> Counter[Layer]:
    """The layers that a function evaluates, with how often it does."""
    with LayerRecorder() as recorder:
        function()
    return recorder.layers
