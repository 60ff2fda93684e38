"""Starts of a path: drawn, and with their noise scaled."""

from dataclasses import replace

from torch import Tensor

from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.typing import Latent, Source


def draw_source(mean: Latent, std: Latent, rng: ImageRng, **known: Tensor | None) -> Source:
    r"""A start :math:`x_0 = m + s \epsilon`, with normal :math:`\epsilon` from each image's stream "source".

    Args:
        mean: The mean m.
        std: The standard deviation s.
        rng: One generator an image.
        known: What else ``Source`` says of the start.
    """
    noise = sent_to(rng.fork("source").normal(*mean.shape[1:]), mean)
    x_0 = noise.mul_(std).add_(mean)  # in place: a large image has no room for more
    return Source(x_0, mean, std, **known)


def scale_noise(source: Source, factor: float | Tensor) -> Source:
    r"""The start :math:`m + \lambda s \epsilon`, with the noise level of this start.

    Where the factor differs from place to place, the level is its root mean square times what it was.
    """
    noise = source.x_0 - source.mean
    x_0 = noise.mul_(factor).add_(source.mean)
    level = source.noise_level
    if level is not None:
        level = level * (factor.square().mean(dim=(1, 2, 3)).sqrt() if isinstance(factor, Tensor) else factor)
    return replace(source, x_0=x_0, std=factor * source.std, noise_level=level)
