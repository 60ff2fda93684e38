"""Starts of a path: drawn, and with their noise scaled."""

from dataclasses import replace

from torch import Tensor

from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Condition, Latent, Source


def draw_source(
    mean: Latent, std: Latent, condition: Condition, rng: ImageRng, *, estimate: Latent | None = None
) -> Source:
    r"""A start :math:`x_0 = m + s \epsilon`, with normal :math:`\epsilon` from each image's stream "source"."""
    noise = rng.fork("source").normal(*mean.shape[1:]).to(mean)
    x_0 = noise.mul_(std).add_(mean)  # in place: a large image has no room for more
    return Source(x_0, condition, mean, std, estimate)


def scale_noise(source: Source, factor: float | Tensor) -> Source:
    r"""The start :math:`m + \lambda s \epsilon`; a network that is told the noise level is told that of this start.

    Where the factor differs from place to place, the level is its root mean square times what it was.
    """
    noise = source.x_0 - source.mean
    x_0 = noise.mul_(factor).add_(source.mean)
    condition = source.condition
    if "noise_level" in condition:
        overall = factor.square().mean(dim=(1, 2, 3)).sqrt() if isinstance(factor, Tensor) else factor
        condition = {**condition, "noise_level": overall * condition["noise_level"]}
    return replace(source, x_0=x_0, std=factor * source.std, condition=condition)
