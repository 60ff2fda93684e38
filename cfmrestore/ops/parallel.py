"""Threads for the images of a batch, side by side.

Sums and Fourier transforms may round differently on another number of threads. So that an image gets the same bytes
whatever the batch and the machine, work that is done image by image is always done by a single thread.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
SINGLE = 1 << 15  # elements up to which torch takes one thread for its operations in any case
_SWITCH = 5e-4  # seconds until a thread in Python lets the next one start its operation: a tenth faster (measured)
_here = threading.local()
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def map_images(function: Callable[..., T], *batches: Iterable[Any]) -> list[T]:
    """``[function(*one) for one in zip(*batches)]``, by as many threads as torch has here."""
    threads = torch.get_num_threads()
    if threads == 1 or getattr(_here, "single", False):
        return [function(*one) for one in zip(*batches, strict=True)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    try:
        return list(_pool(threads).map(function, *batches))
    finally:
        sys.setswitchinterval(interval)


def stack_images(function: Callable[..., Tensor], *batches: Iterable[Any]) -> Tensor:
    """The results of ``map_images`` as a batch; a single one is not copied."""
    done = map_images(function, *batches)
    return done[0][None] if len(done) == 1 else torch.stack(done)


def _pool(threads: int) -> ThreadPoolExecutor:
    key = (os.getpid(), threads)  # the threads of a parent process are not there after a fork
    if key not in _pools:
        _pools[key] = ThreadPoolExecutor(threads, "cfmrestore")
        barrier = threading.Barrier(threads)
        for done in [_pools[key].submit(_become_single, barrier) for _ in range(threads)]:
            done.result()
        torch.set_num_threads(threads)  # what threads to come shall start with
    return _pools[key]


def _become_single(barrier: threading.Barrier) -> None:
    """Torch's number of threads belongs to the calling thread, once it has been used there."""
    torch.set_num_threads(1)
    torch.zeros(1 << 17).add_(1)
    _here.single = True
    barrier.wait()
