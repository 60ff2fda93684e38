"""Condition base class: what every condition promises."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from cfmrestore.typing import Conditioning, Image, Latent, Source


@dataclass(frozen=True)
class ConditionInputs:
    """What is known of a batch, of which each condition takes its part.

    Args:
        source: Where the paths start.
        given: What data or a person gives, by name: "low" (b, 3, h, w), "label" (b,), "mask" (b, 1, h, w), "map"
            (b, h, w).
        encode: The flow's encoder: the latent of images, with the stream of random numbers of that name.
    """

    source: Source
    given: Mapping[str, Tensor]
    encode: Callable[[Image, str], Latent]


class Condition(nn.Module, ABC):
    """What a network is told, and what in place of it where it is not told.

    Args:
        dropout: Probability with which a training image is not told: what classifier-free guidance needs.
    """

    context_channels: int = 0
    """Channels of the map that it adds to the context, at the latent's size."""

    embedding_channels: int = 0
    """Length of the vector that it adds to the embedding."""

    noise_level: bool = False
    """Whether it tells the noise level of the start."""

    needs: ClassVar[tuple[str, ...]] = ()
    """What must be given beside the start, by its names in ``ConditionInputs.given``."""

    tells: frozenset[str] = frozenset()
    """Fields of ``Source`` that the network is told."""

    def __init__(self, *, dropout: float = 0.0) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"{type(self).__name__}: dropout is a probability in [0, 1); got {dropout}")
        self.dropout = dropout

    def prepare(self, low: Image, given: Mapping[str, Tensor]) -> Image:
        """The input as this condition has it, before a path starts there and a network is told it."""
        del given
        return low

    @abstractmethod
    def embed(self, inputs: ConditionInputs) -> Conditioning:
        """What the network is told, a row an image; trained where it has weights."""

    @abstractmethod
    def null(self, inputs: ConditionInputs) -> Conditioning:
        """What it is told of an image whose condition is dropped: the same keys and shapes."""
