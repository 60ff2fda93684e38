"""The bottleneck of a network: what passes there, read and changed at the same evaluation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn


def bottleneck_of(network: nn.Module) -> nn.Module:
    """The module whose output is the bottleneck, the network's ``bottleneck``, also of a network that others wrap."""
    for module in network.modules():
        found = getattr(module, "bottleneck", None)
        if isinstance(found, nn.Module):
            return found
    raise ValueError(
        f"{type(network).__name__} names no bottleneck, as UNet and DiT do: take the boundaries of latents"
    )


@contextmanager
def at_bottleneck(network: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While this is open, the network goes on with ``change`` of what passes its bottleneck.

    What is put in belongs to the evaluation in which it was read: there is no step between. Of several that are open,
    the outer one gets what the inner ones make, as functions around each other do.
    """
    handle = bottleneck_of(network).register_forward_hook(lambda module, inputs, output: change(output), prepend=True)
    try:
        yield
    finally:
        handle.remove()
