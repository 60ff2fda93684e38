"""Types and shapes of the toolkit, each named once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor

Image: TypeAlias = Float[Tensor, "b 3 _ _"]
"""RGB in [0, 1]; only the batch is held to be the same in one call, since low and high differ in size."""

OneImage: TypeAlias = Float[Tensor, "3 h w"]
"""One of them."""

Features: TypeAlias = Float[Tensor, "b *features"]
"""What a network makes of a batch inside."""

Planes: TypeAlias = Float[Tensor, "... _ _"]
"""Any number of channels, with or without a batch."""

Latent: TypeAlias = Float[Tensor, "b *shape"]
"""A point of the flow: all latents of one call have one shape."""

Time: TypeAlias = Float[Tensor, ""] | Float[Tensor, " b"]
"""0 is the source, 1 the data; one number for the batch, or one an image."""

PerImage: TypeAlias = Float[Tensor, " b"]
IntPerImage: TypeAlias = Int[Tensor, " b"]
BoolPerImage: TypeAlias = Bool[Tensor, " b"]
Seeds: TypeAlias = Int[Tensor, " b"]
Grid: TypeAlias = Float[Tensor, " n"]
Size: TypeAlias = tuple[int, int]
"""Height and width, in pixels."""


class Frame(NamedTuple):
    """What a degradation knows of the images when it draws: their size, and the one with which its chain began."""

    size: Size
    origin: Size


Velocity: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""v(x, t)."""

FlowMap: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""u(x, t, r), the mean velocity on the way from x at t to r: x_r = x_t + (r - t) u."""

Conditioning: TypeAlias = dict[str, Tensor]
"""Keyword arguments of a network beside x and t: "context" (b, k, h, w), "embedding" (b, d), "noise_level" (b,)."""


@dataclass(frozen=True)
class Source:
    """Where a path starts, and the law from which that start was drawn: x_0 ~ N(mean, diag(std^2)).

    Args:
        x_0: The start.
        mean: Mean of the law, given the input where there is one.
        std: Its standard deviation; zero where the start is certain.
        lowres: The input as a clean latent of the target's size; None where a path starts without an input.
        noise_level: Standard deviation of the noise in the start, one an image, where it differs between images.
        estimate: Mean of the data given the input, where the coupling knows it.
    """

    x_0: Tensor
    mean: Tensor
    std: Tensor
    lowres: Tensor | None = None
    noise_level: Tensor | None = None
    estimate: Tensor | None = None


@dataclass(frozen=True)
class Pair:
    """Two ends of a training path: where it starts, and the data."""

    source: Source
    x_1: Tensor


@runtime_checkable
class Diffusion(Protocol):
    """Path and law of the source: what a stochastic solver needs beside the velocity."""

    def coefficients(self, t: Tensor) -> "Coefficients":
        """alpha_t, sigma_t and their derivatives at t."""

    def pull(self, v: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """The gradient of log p_t(x) times the source's variance, from a velocity that was evaluated already."""

    def noise(self, x: Tensor) -> Tensor:
        """Normal noise of the source's standard deviation, from a stream of its own for each image."""


@dataclass(frozen=True)
class Coefficients:
    """x_t = alpha x_1 + sigma x_0, and the derivatives in t."""

    alpha: Tensor
    sigma: Tensor
    d_alpha: Tensor
    d_sigma: Tensor
