"""Paths that end in images, walked either way."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.flows.sampling import Sampling
from cfmrestore.solvers.base import Solution
from cfmrestore.typing import Grid, Image, Latent, Velocity

_NEAR = 1e-6  # between times that are the same


@dataclass(frozen=True)
class Trajectory:
    """The paths of a flow on which images lie, under what the network is told of them.

    Args:
        velocity: v(x, t).
        x_1: The paths' ends at t = 1: the images as latents, with what the path keeps of its source.
        sampling: Solver and grid.
        to_image: The images of points at t = 1.
        nfe: Evaluations of networks that it took to know where these paths start.
    """

    velocity: Velocity
    x_1: Tensor
    sampling: Sampling
    to_image: Callable[[Tensor], Tensor]
    nfe: int = 0

    def walk(self, x: Latent, start: float, end: float, velocity: Velocity | None = None) -> Solution:
        """From points x at one time to another; a falling time inverts.

        Args:
            x: The points.
            start: Their time.
            end: The time to which they go.
            velocity: In place of the trajectory's own.
        """
        grid = between(self.sampling.grid(self.sampling.num_intervals), start, end)
        if len(grid) == 1:
            return Solution(x, 0)
        return self.sampling.solver.solve(velocity or self.velocity, x, grid)

    def encode(self, t: float) -> Solution:
        """The points of the paths at a time."""
        return self.walk(self.x_1, 1.0, t)

    def images(self, x_1: Latent) -> Image:
        """The images of points at t = 1."""
        return self.to_image(x_1)


def between(grid: Grid, start: float, end: float) -> Float[Tensor, " k"]:
    """The times of a grid from one time to another, these with it; falling where the end is first.

    A time of the grid that is next to either is left out, so that no interval has no length.
    """
    if not (0 <= start <= 1 and 0 <= end <= 1):
        raise ValueError(f"times lie between 0, the source, and 1, the data; got {start:g} and {end:g}")
    low, high = min(start, end), max(start, end)
    if high - low <= _NEAR:
        return grid.new_tensor([start])
    inside = grid[(grid > low + _NEAR) & (grid < high - _NEAR)]
    times = torch.cat([grid.new_tensor([low]), inside, grid.new_tensor([high])])
    return times if start < end else times.flip(0)


def relative_rms(x: Tensor, reference: Tensor) -> Tensor:
    r"""The relative error of each of a batch, :math:`\|x - r\| / \|r\|`."""
    return (x - reference).flatten(1).norm(dim=1) / reference.flatten(1).norm(dim=1)
