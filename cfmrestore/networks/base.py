"""Network base class: what every network promises."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import nn

from cfmrestore.plugins import broken
from cfmrestore.typing import Latent, PerImage

TOLD = {"context_channels": "context", "embedding_channels": "embedding", "noise_level": "noise_level"}
"""What a constructor is offered of each thing that the network is told, and the keyword by which it is told."""


class Network(nn.Module, ABC):
    r"""A velocity :math:`v(x, t)` of a latent, one time an image; any ``torch.nn.Module`` of this form is one.

    A flow calls ``forward(x, t, **conditioning)``, with what its conditions say as keywords:

    ``context`` (b, k, h, w)
        A map at the size of x: the input, a label map.
    ``embedding`` (b, d)
        A vector, of a class for example.
    ``noise_level`` (b,)
        Standard deviation of the noise in the start.
    ``duration`` (b,)
        Of a flow map: :math:`r - t`, for the mean velocity until r, which is the velocity where it is 0.

    It offers ``channels`` (of x and v), ``context_channels`` (k), ``embedding_channels`` (d), ``noise_level`` (a bool)
    and ``path`` to the constructor, which gets those that it names. An image's velocity depends on that image alone.
    """

    multiple: int = 1
    """By what it shrinks its input inside: tiles begin at multiples of it."""

    reach: int | None = None
    """How many samples beyond its own place a velocity depends on; None where that is far."""

    flow_map: bool = False
    """Whether it takes a ``duration``."""

    @abstractmethod
    def forward(self, x: Latent, t: PerImage, *args: Any, **conditioning: Any) -> Latent:
        """The velocity at x, of the shape of x."""


def keywords_of(network: nn.Module) -> set[str] | None:
    """Names of what a network's ``forward`` can be told; None where it takes any."""
    parameters = inspect.signature(network.forward).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return None
    return {one.name for one in parameters}


def check_conditioning(network: Any, offers: Mapping[str, Any]) -> None:
    """Refuse a network that cannot be told what the conditions of its flow tell.

    Args:
        network: The network.
        offers: Channels of context and embedding, and whether there is a noise level, by the names of ``TOLD``.
    """
    if not isinstance(network, nn.Module):
        raise broken(network, "network", "it is no torch.nn.Module")
    known = keywords_of(network)
    told = {TOLD[key] for key, value in offers.items() if value} | ({"duration"} if _is_map(network) else set())
    if known is not None and (missing := sorted(told - known)):
        names = " and ".join(missing)
        constructor = " and ".join(key for key, name in TOLD.items() if name in missing)
        also = f", and {constructor} to the constructor, which says how large" if constructor else ""
        raise broken(
            network, "network", f"forward takes no {names}, which this flow's conditions tell: add the keyword{also}"
        )


def _is_map(network: nn.Module) -> bool:
    return bool(getattr(network, "flow_map", False))
