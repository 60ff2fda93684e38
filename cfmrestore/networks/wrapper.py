"""What networks around another network have in common."""

from typing import Any

from torch import nn

from cfmrestore.networks.base import Network
from cfmrestore.registry import NETWORKS


class NetworkWrapper(Network):
    """A network around another one, which gets what a flow offers to networks.

    Args:
        network: The other network, or its config.
        channels: Channels of x and of the velocity.
        context_channels: Channels of the context.
        embedding_channels: Channels of the embedding.
        noise_level: Whether the noise level of the source is told.
    """

    def __init__(
        self,
        *,
        network: Any,
        channels: int,
        context_channels: int = 0,
        embedding_channels: int = 0,
        noise_level: bool = False,
    ) -> None:
        super().__init__()
        offers = {
            "channels": channels,
            "context_channels": context_channels,
            "embedding_channels": embedding_channels,
            "noise_level": noise_level,
        }
        self.network: nn.Module = NETWORKS.build(network, default_args=offers)
        self.multiple = int(getattr(self.network, "multiple", 1))
        self.flow_map = bool(getattr(self.network, "flow_map", False))
        self.reach = getattr(self.network, "reach", None)
