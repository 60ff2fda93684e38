"""Backend base class, which is torch as it is; and what those that take graphs share."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cfmrestore.execution.graph import NetworkGraph
from cfmrestore.typing import Latent

Evaluate = Callable[..., Tensor]
"""v = evaluate(x, t, **told)."""


class Backend:
    """Evaluates networks; one is prepared when it is first asked for, and kept.

    Args:
        device: Where they are evaluated.
        dtype: Precision of their products.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._prepared: dict[nn.Module, Evaluate] = {}

    def __call__(self, network: nn.Module) -> Evaluate:
        """The function in place of the network."""
        if network not in self._prepared:
            self._prepared[network] = self.prepare(network)
        return self._prepared[network]

    def prepare(self, network: nn.Module) -> Evaluate:
        return network


class GraphBackend(Backend):
    """Runs graphs on the CPU in float32; what a network is told decides which graph it is."""

    name: str

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        if device.type != "cpu" or dtype is not torch.float32:
            raise ValueError(
                f"the backend {self.name} runs on the CPU in float32; got {device} and "
                f"{str(dtype).removeprefix('torch.')}: give the device cpu and fp32, or another backend"
            )
        super().__init__(device, dtype)

    def prepare(self, network: nn.Module) -> Evaluate:
        runs: dict[tuple[str, ...], Callable[[dict[str, Tensor]], Tensor]] = {}

        def evaluate(x: Latent, t: Tensor, **told: Tensor) -> Tensor:
            names = tuple(told)
            if names not in runs:
                runs[names] = self.load(NetworkGraph(network, x.shape[1], told))
            return runs[names]({"x": x, "t": t, **told})

        return evaluate

    @abstractmethod
    def load(self, graph: NetworkGraph) -> Callable[[dict[str, Tensor]], Tensor]:
        """A function of the graph's inputs by name."""
