"""The one object that says how networks are run; it goes down as an argument."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from cfmrestore.encoders.base import Encoder
from cfmrestore.execution.backends import Backend
from cfmrestore.execution.cuda_graphs import CudaGraphs
from cfmrestore.execution.network_velocity import NetworkVelocity
from cfmrestore.execution.tiled_encoder import TiledEncoder
from cfmrestore.ops.tiles import Tiling
from cfmrestore.typing import Conditioning


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Device, precision, memory layout and tiles of every network of a restoration.

    Args:
        device: Where networks and encoder are.
        dtype: Precision of the networks' products.
        memory_format: Layout of the networks' inputs.
        tiling: Tiles, in latent samples; what is as large as the image then stays where the input is.
        graphs: CUDA graphs that networks without gradients are evaluated by; None launches each kernel.
        on_evaluation: Called after each evaluation of a network on a tile, or on the whole.
        backend: What evaluates networks in place of torch.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    memory_format: torch.memory_format = torch.contiguous_format
    tiling: Tiling | None = None
    graphs: CudaGraphs | None = None
    on_evaluation: Callable[[], None] | None = None
    backend: Backend | None = None

    def velocity(self, network: nn.Module, conditioning: Conditioning) -> NetworkVelocity:
        """v(x, t) of a network that is told something."""
        evaluate = network if self.backend is None else self.backend(network)
        return NetworkVelocity(
            evaluate,
            conditioning,
            self.device,
            self.dtype,
            self.memory_format,
            self.tiling,
            self.graphs,
            self.on_evaluation,
        )

    def encoder(self, encoder: Encoder) -> Encoder:
        """The encoder, by tiles if there are any."""
        return encoder if self.tiling is None else TiledEncoder(encoder, self.tiling, self.device)
