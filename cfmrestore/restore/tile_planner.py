"""Which tiles are the cheapest of those that fit the memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import lcm

import torch
from torch import Tensor, nn

from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.tiles import Tiling
from cfmrestore.restore.cost_model import SIDES, Cost, cost
from cfmrestore.restore.free_memory import free_bytes
from cfmrestore.typing import Conditioning, Size

_LADDER = (512, 384, 256, 192, 128, 96, 64, 48, 32, 16)  # sides that are tried: few, so that machines agree
_OVERLAP = 32
_SPARE = 1.5  # kernels need more than the tensors that they make
_CANVASES = 7  # of a whole image: context, noise, start, velocity and the next point, the result and what colors it


@dataclass(frozen=True)
class Costs:
    """Costs of one evaluation of the network, and of the encoder there and back."""

    network: Cost
    encoder: Cost

    def all(self, evaluations: int) -> Cost:
        """Cost of a whole restoration."""
        return self.network.times(evaluations) + self.encoder


def probed_sides(flow: CouplingFlow) -> list[int]:
    """The latents on which costs are counted, smallest first: multiples of what the network takes."""
    return [side * max(1, multiple_of(flow) // min(SIDES)) for side in SIDES]


def measure(flow: CouplingFlow, device: torch.device) -> Costs:
    """Count on latents of a few samples a side."""
    space, sides = flow.encoder, probed_sides(flow)

    def evaluate(side: int, network: nn.Module, conditions: Callable[[Tensor], Conditioning]) -> object:
        x = torch.zeros(1, space.channels, side, side, device=device)
        return flow.execution().velocity(network, conditions(x))(x, torch.zeros((), device=device))

    def encode(side: int) -> object:
        pixels = side * space.downscale
        return space.decode(space.encode(torch.zeros(1, 3, pixels, pixels, device=device), ImageRng([0])))

    network = cost(lambda side: evaluate(side, flow.network, flow.conditions.zeros), sides)
    if (first := flow.coupling.network) is not None:
        begin = cost(lambda side: evaluate(side, first, lambda x: {"context": x}), sides)
        network = replace(network, memory=max(network.memory, begin.memory))
    return Costs(network, cost(encode, sides))


def multiple_of(flow: CouplingFlow) -> int:
    """What tiles start at, in latent samples, so that networks that halve their input keep their phase."""
    return lcm(*(int(getattr(network, "multiple", 1)) for network in (flow.network, flow.coupling.network)))


def tiling_of(side: int, multiple: int) -> Tiling:
    """Tiles of about that side; half of a small tile overlaps."""
    side = max(side, 4 * multiple, 8)
    return Tiling(side, min(_OVERLAP, side // 2), multiple)


def halved(side: int, multiple: int) -> Tiling | None:
    """Tiles of half the side, after an out-of-memory error; None where tiles cannot be smaller."""
    smaller = tiling_of(side // 2, multiple)
    return smaller if smaller.side < side else None


def choose(
    size: Size, batch: int, costs: Costs, evaluations: int, multiple: int, device: torch.device
) -> Tiling | None:
    """The tiling of a latent of that size with the fewest operations within the memory; None for the whole."""
    budget = free_bytes(device) // 4 * (3 if device.type == "cuda" else 1)
    if device.type == "cpu":
        budget = min(budget, 2**29)  # more would hardly make it faster
    whole = costs.all(evaluations)

    def fits(samples: int) -> bool:
        return _SPARE * whole.memory * samples * batch <= budget

    found: list[tuple[float, Tiling | None]] = []
    if fits(size[0] * size[1]) and max(size) <= _LADDER[0]:
        found.append((whole.operations(size[0] * size[1]), None))
    for tiling in dict.fromkeys(tiling_of(side, multiple) for side in _LADDER):
        rows, columns = ([min(tiling.side, n - start) for start in tiling.starts(n)] for n in size)
        areas = [height * width for height in rows for width in columns]
        if tiling.side < max(size) and fits(max(areas)):
            found.append((sum(whole.operations(area) for area in areas), tiling))
    return min(found, key=lambda one: one[0])[1] if found else tiling_of(_LADDER[-1], multiple)


def check_room(size: Size, batch: int, channels: int, downscale: int) -> None:
    """Refuse images, of the size at which they are walked, whose canvases alone do not fit the memory."""
    pixels = size[0] * size[1] * batch
    needed = 4 * pixels * (2 * 3 + (_CANVASES - 2) * channels / downscale**2)
    free = free_bytes(torch.device("cpu"))
    if needed > free:
        raise ValueError(
            f"a result of {size[1]}x{size[0]} needs about {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} GiB are free: take a smaller scale, or cut the image"
        )
