"""Batches of all ranks, for what is no mean over images."""

from typing import Any

import torch
from torch import Tensor, distributed, nn


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, x)
        ctx.first, ctx.count = distributed.get_rank() * len(x), len(x)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return distributed.get_world_size() * grads[0][ctx.first : ctx.first + ctx.count]


def is_shared() -> bool:
    """Whether this process is one of several."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def gather(x: Tensor) -> Tensor:
    r"""The rows of all R ranks, in their order, as many of each; here those of one process as they are.

    Every rank computes one and the same L of all rows. Gradients reach the rank's own rows :math:`f_r`, times R: of the
    weights they are :math:`g_r = R\, \partial_{f_r} L \, \partial_\theta f_r`, and the mean over ranks that
    ``DistributedDataParallel`` takes is :math:`\frac1R \sum_r g_r = \sum_r \partial_{f_r} L\, \partial_\theta f_r =
    \mathrm{d} L / \mathrm{d} \theta`, what one rank has of the whole batch. Nothing is sent on the way back.
    """
    return _Gather.apply(x.contiguous()) if is_shared() else x


def average_gradients(network: nn.Module) -> None:
    """Those of a network that each rank trains by itself, on its own rows: the mean over ranks, as of all rows."""
    if is_shared():
        for weight in network.parameters():
            if weight.grad is not None:
                distributed.all_reduce(weight.grad)
                weight.grad /= distributed.get_world_size()


def first_row(count: int) -> int:
    """Where this rank's rows begin among those of all, of which each has so many."""
    return distributed.get_rank() * count if is_shared() else 0


def from_first(number: int, device: torch.device) -> int:
    """The number that the first rank has."""
    if not is_shared():
        return number
    sent = torch.tensor([number], device=device)
    distributed.broadcast(sent, 0)
    return int(sent)
