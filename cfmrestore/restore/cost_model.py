"""What a flow costs: floating-point operations and memory, counted on small latents."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

SIDES = (8, 16, 24)

_aten = torch.ops.aten
OPERATIONS = {
    **flop_registry,
    # the kernel of CPUs, which torch's table does not know
    _aten._scaled_dot_product_flash_attention_for_cpu: flop_registry[_aten._scaled_dot_product_flash_attention],
}
"""Functions that count the operations of those operators that take most of them."""


class CostCounter(TorchDispatchMode):
    """Floating-point operations that are done inside, and the most memory that tensors made there held at one time."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = self.now = self.peak = 0
        self._known: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch keeps its compiler out of this class, for which it would import it: a second of start-up."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if (count := OPERATIONS.get(func._overloadpacket)) is None:
            with self:  # inference tensors bring composite operators, whose parts are counted
                if (result := func.decompose(*args, **kwargs)) is not NotImplemented:
                    return result
        result = func(*args, **kwargs)
        if count is not None:
            self.operations += count(*args, **kwargs, out_val=result)
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
        """Operations of one tile."""
        return self.constant + self.linear * samples + self.quadratic * samples**2

    def __add__(self, other: "Cost") -> "Cost":
        """Cost of both, one after the other."""
        return Cost(
            self.constant + other.constant,
            self.linear + other.linear,
            self.quadratic + other.quadratic,
            max(self.memory, other.memory),
        )

    def times(self, count: int) -> "Cost":
        """Cost of so many in turn."""
        return Cost(count * self.constant, count * self.linear, count * self.quadratic, self.memory)


@torch.no_grad()
def cost(function: Callable[[int], object], sides: Sequence[int] = SIDES) -> Cost:
    """Cost of a function of the side of a square latent; attention is what makes it grow faster than the area."""
    operations, memory = [], 0.0
    for side in sides:
        with CostCounter() as counter:
            function(side)
        operations.append(counter.operations)
        memory = max(memory, counter.peak / side**2)
    n = torch.tensor(sides, dtype=torch.float64) ** 2
    measured = torch.tensor(operations, dtype=torch.float64)
    fit = torch.linalg.solve(torch.stack([torch.ones_like(n), n, n**2], dim=1), measured)
    constant, linear, quadratic = (max(a, 0.0) for a in fit.tolist())
    return Cost(constant, linear, quadratic, memory)
