"""Sets of images as the points of a flow at several times."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cfmrestore.flows import CouplingFlow, Sampling
from cfmrestore.flows.trajectory import relative_rms
from cfmrestore.networks.bottleneck import at_bottleneck
from cfmrestore.typing import Features, Image, Latent, Velocity


@dataclass(frozen=True)
class Encoded:
    """Points of images at falling times, a row an image.

    Args:
        points: The points by their time: latents, or what the network makes of them in its middle.
        errors: By time, the relative error of some images' latents after the way there and back.
        nfe: Evaluations of the network for the points.
    """

    points: dict[float, Tensor]
    errors: dict[float, Tensor]
    nfe: int


@torch.no_grad()
def encode(
    flow: CouplingFlow,
    images: Image,
    times: Sequence[float],
    *,
    sampling: Sampling | None = None,
    given: Mapping[str, Tensor] | None = None,
    space: str = "latent",
    batch: int = 64,
    check: int = 0,
    on_part: Callable[[float], object] | None = None,
) -> Encoded:
    """The points of images at times, by one walk from t = 1 to the first of them.

    Args:
        flow: The flow.
        images: (n, 3, h, w) in [0, 1].
        times: The times.
        sampling: Solver, intervals and guidance; by default the flow's.
        given: What conditions are given, a row an image.
        space: "latent" or "bottleneck".
        batch: Images at once.
        check: Of how many images, the first ones, the error of the way there and back is told.
        on_part: Is told which part of the images is done.
    """
    falling = sorted({float(time) for time in times}, reverse=True)
    parts: dict[float, list[Tensor]] = {time: [] for time in falling}
    errors: dict[float, list[Tensor]] = {time: [] for time in falling}
    device, nfe = next(flow.parameters()).device, 0
    for first in range(0, len(images), batch):
        rows = slice(first, first + batch)
        told = {key: value[rows].to(device) for key, value in (given or {}).items()}
        high, seeds = images[rows].to(device), torch.arange(len(images))[rows]
        paths = flow.pipeline(sampling).trajectory(high, seeds, told)
        x, now, nfe = paths.x_1, 1.0, paths.nfe
        for time in falling:
            solution = paths.walk(x, now, time)
            x, now, nfe = solution.x, time, nfe + solution.nfe
            point = x if space == "latent" else features_at(flow.network, paths.velocity, x, time)
            parts[time].append(point.cpu())
            if first < check:
                few = max(0, min(check - first, len(x)))
                back = paths.walk(x, time, 1.0).x
                errors[time].append(relative_rms(back, paths.x_1)[:few].cpu())
        if on_part is not None:
            on_part(min(first + batch, len(images)) / len(images))
    gathered = {time: torch.cat(some) for time, some in parts.items()}
    return Encoded(gathered, {time: torch.cat(some) for time, some in errors.items() if some}, nfe)


@torch.no_grad()
def walk_on(
    flow: CouplingFlow,
    images: Image,
    points: Latent,
    time: float,
    *,
    sampling: Sampling | None = None,
    given: Mapping[str, Tensor] | None = None,
    batch: int = 64,
) -> Latent:
    """Where points at a time lead to at t = 1, under the conditions of the images that they are of."""
    device = next(flow.parameters()).device
    ends = []
    for first in range(0, len(points), batch):
        rows = slice(first, first + batch)
        told = {key: value[rows].to(device) for key, value in (given or {}).items()}
        seeds = torch.arange(len(images))[rows]
        paths = flow.pipeline(sampling).trajectory(images[rows].to(device), seeds, told)
        ends.append(paths.walk(points[rows].to(device), time, 1.0).x.cpu())
    return torch.cat(ends)


def features_at(network: nn.Module, velocity: Velocity, x: Latent, time: float) -> Features:
    """What a network makes of points in its middle, at an evaluation of its velocity, which may shift it."""
    seen: list[Tensor] = []

    def keep(features: Tensor) -> Tensor:
        seen.append(features)
        return features

    with at_bottleneck(network, keep):
        velocity(x, torch.tensor(time, dtype=x.dtype, device=x.device))
    return seen[0][-len(x) :]  # guidance puts the row that is told all last
