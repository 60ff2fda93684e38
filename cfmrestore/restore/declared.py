"""Sizes that a stranger's checkpoint declares, held against what it holds before memory is spent on them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from cfmrestore.restore.free_memory import is_out_of_memory

_MORE = 2  # what is built may have parts that weights need not hold, as a flow map beside a velocity's weights
_SMALL = 1 << 24


@contextmanager
def held_to(weights: Mapping[str, Tensor], path: str) -> Iterator[None]:
    """Modules that are built here have about as many parameters as there are weights.

    A parameter is registered before it is filled, and memory that was never written costs nothing: a network that is
    declared far larger than its file ends here.
    """
    held = sum(value.numel() for value in weights.values() if isinstance(value, torch.Tensor))
    built = 0

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal built
        built += 0 if parameter is None else parameter.numel()
        if built > _MORE * held + _SMALL:
            raise ValueError(_told(path, held))

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ValueError(_told(path, held)) from error
    finally:
        hook.remove()


def _told(path: str, held: int) -> str:
    return f"{path!r} holds {held:,} numbers and describes a network of far more: it is damaged, or not what it says"
