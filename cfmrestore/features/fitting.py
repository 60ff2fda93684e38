"""Small networks that are trained where they are needed, the same each time."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from cfmrestore.features.base import Extractor

E = TypeVar("E", bound=Extractor)
_SEED = 0


def fit(build: Callable[[], E], loss: Callable[[E], Tensor], *, steps: int, rate: float) -> E:
    """A network after AdamW under one cycle of the learning rate: on one kind of processor the same bits each time.

    Args:
        build: The network before; its weights are drawn from torch's global generator, as all else is.
        loss: Of one batch, which it draws.
        steps: How many batches.
        rate: The highest learning rate.
    """
    with _repeatable():
        network = build()
        network.requires_grad_(True)
        nn.Module.train(network)  # an extractor's own ``train`` leaves it in evaluation
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
        for _ in range(steps):
            optimizer.zero_grad()
            loss(network).backward()
            optimizer.step()
            cycle.step()
        network.freeze()
    return network


@contextmanager
def _repeatable() -> Iterator[None]:
    """One thread and a seeded generator, with gradients, whatever is around."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums are in another order on another number
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), torch.autocast("cpu", enabled=False):
            torch.manual_seed(_SEED)
            yield
    finally:
        torch.set_num_threads(threads)


def announce(kind: type[Extractor], began: float, share: float, what: str) -> None:
    """Say that a network was trained, and how much it recognizes of what it was not trained on."""
    seconds = time.perf_counter() - began
    print(f"trained {kind.__name__} in {seconds:.0f} s: it recognizes {100 * share:.1f} % of {what}", file=sys.stderr)


def refuse_weights(kind: type[Extractor], weights: str | Path | None) -> None:
    """What is trained here has no file."""
    if weights is not None:
        raise ValueError(f"{kind.__name__} has no file of weights, it is trained where it is needed; got {weights!r}")
