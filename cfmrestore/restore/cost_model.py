"""What a flow costs: floating-point operations and memory, counted on small latents."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

SIDES = (8, 16, 24)


class LiveBytes(TorchDispatchMode):
    """The most memory that tensors made inside have held at one time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        old = {leaf.untyped_storage()._cdata for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._see(leaf.untyped_storage(), old)
        return result

    def _see(self, storage: torch.UntypedStorage, old: set[int]) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known or key in old:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


@dataclass(frozen=True)
class Cost:
    r"""Operations :math:`a + b n + c n^2` and bytes :math:`m n` of a tile with n latent samples."""

    constant: float
    linear: float
    quadratic: float
    memory: float

    def operations(self, samples: int) -> float:
        """Of one tile."""
        return self.constant + self.linear * samples + self.quadratic * samples**2

    def __add__(self, other: "Cost") -> "Cost":
        """Of both, one after the other."""
        return Cost(
            self.constant + other.constant,
            self.linear + other.linear,
            self.quadratic + other.quadratic,
            max(self.memory, other.memory),
        )

    def times(self, count: int) -> "Cost":
        """Of so many in turn."""
        return Cost(count * self.constant, count * self.linear, count * self.quadratic, self.memory)


@torch.no_grad()
def cost(function: Callable[[int], object], sides: Sequence[int] = SIDES) -> Cost:
    """Of a function of the side of a square latent; attention is what makes it grow faster than the area."""
    operations, memory = [], 0.0
    for side in sides:
        live, counter = LiveBytes(), FlopCounterMode(display=False, custom_mapping=_attention())
        with counter, live:
            function(side)
        operations.append(counter.get_total_flops())
        memory = max(memory, live.peak / side**2)
    n = torch.tensor(sides, dtype=torch.float64) ** 2
    measured = torch.tensor(operations, dtype=torch.float64)
    fit = torch.linalg.solve(torch.stack([torch.ones_like(n), n, n**2], dim=1), measured)
    constant, linear, quadratic = (max(a, 0.0) for a in fit.tolist())
    return Cost(constant, linear, quadratic, memory)


def _attention() -> dict[Any, Any]:
    """The kernel of CPUs, which torch's counter does not know: two products of b h n n d."""

    def count(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> int:
        del value, args, kwargs
        b, h, n, d = query
        return 4 * b * h * n * key[-2] * d

    return {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: count}
