"""A batch for losses on whole results, and the same batch in two processes."""

import os
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing import spawn
from torch.nn.parallel import DistributedDataParallel

from cfmrestore.flows.losses import GeneratedLoss, Prediction
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths import Linear
from cfmrestore.typing import Pair, Source
from tests.testing import free_port

BATCH = 8
_RANKS = 2


class Toy(nn.Module):
    """A velocity of two convolutions, told a number an image."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, told: Tensor | None = None) -> Tensor:
        level = (t if told is None else t + told)[:, None, None, None]
        return self.last(torch.tanh(self.first(x) + level))


def made(
    images: int, *, width: int = 8, flow_map: bool = False, label: Tensor | None = None, rows: slice | None = None
) -> tuple[Toy, Prediction]:
    """A network, and the rows of a batch of so many images of 8x8 pixels in [-1, 1]."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        toy = Toy(width).double()
        x = torch.rand(images, 3, 8, 8, dtype=torch.float64) * 2 - 1
        low = torch.randn_like(x)
    rows = rows or slice(None)
    label = torch.arange(images) // 2 % 2 if label is None else label
    seeds, told = range(images)[rows], torch.arange(images, dtype=torch.float64)[rows]
    return toy, batch_of(toy, x[rows], 0.3 * low[rows], told, list(seeds), label[rows], flow_map)


def batch_of(
    network: nn.Module, x: Tensor, mean: Tensor, told: Tensor, seeds: list[int], label: Tensor, flow_map: bool
) -> Prediction:
    def asked(x: Tensor, t: Tensor, r: Tensor | None = None, *, images: Tensor | None = None) -> Tensor:
        own = told.repeat(len(x) // len(told)) if images is None else told[images]
        return network(x, t if r is None else t + r, own)

    std = torch.full_like(x, 0.8)
    start = Source(mean + 0.8 * torch.randn_like(x), mean, std)
    t = torch.full((len(x),), 0.5, dtype=x.dtype)
    target = x / 2 + 0.5
    return Prediction(
        asked, x, t, Pair(start, x), Linear(), ImageRng(seeds), target, lambda z: z / 2 + 0.5, None, flow_map, label
    )


def ranks_and_one(kind: type[GeneratedLoss], settings: list[dict[str, Any]], file: Path) -> list[tuple[Tensor, Tensor]]:
    """The gradient of the weights after the mean over two ranks, and that of one process with the whole batch."""
    with mock.patch.dict(os.environ, {"OMP_NUM_THREADS": "1"}):
        spawn(_rank, (free_port(), kind, settings, file), nprocs=_RANKS)
    alone = []
    for keys in settings:
        toy, prediction = made(BATCH)
        _loss(kind, keys)(prediction).mean().backward()
        alone.append(_gradient(toy))
    return list(zip(torch.load(file), alone, strict=True))


def _loss(kind: type[GeneratedLoss], keys: dict[str, Any]) -> GeneratedLoss:
    loss = kind(**{"features": "SeededNet", **keys})
    assert loss.frozen is not None
    loss.frozen.double()
    return loss


def _gradient(network: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in network.parameters()])


def _rank(rank: int, port: int, kind: type[GeneratedLoss], settings: list[dict[str, Any]], file: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=_RANKS)
    share, found = BATCH // _RANKS, []
    for keys in settings:
        toy, prediction = made(BATCH, rows=slice(rank * share, (rank + 1) * share))
        model = DistributedDataParallel(_Whole(toy, _loss(kind, keys), prediction))
        model().backward()
        found.append(_gradient(toy))
    if rank == 0:
        torch.save(found, file)
    distributed.barrier()  # rank 0 holds the store: the other waits until it needs none
    os._exit(0)  # to take the group apart can wait forever for a thread of gloo's that waits for this one


class _Whole(nn.Module):
    """A network whose forward is the loss of a batch, as a flow's is."""

    def __init__(self, network: nn.Module, loss: GeneratedLoss, prediction: Prediction) -> None:
        super().__init__()
        self.network, self.loss, self.prediction = network, loss, prediction

    def forward(self) -> Tensor:
        return self.loss(self.prediction).mean()
