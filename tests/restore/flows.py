"""Small flows with random weights, and a linear one whose answer is known."""

from pathlib import Path

import torch
from torch import Tensor, nn

from cfmrestore.contracts.base import randomize
from cfmrestore.contracts.couplings import NETWORK
from cfmrestore.engine import checkpoints
from cfmrestore.flows.coupling_flow import CouplingFlow

__all__ = ["NETWORK", "LinearNetwork", "config_of", "linear_flow", "random_flow", "randomize", "save_model"]


def config_of(*, attention: bool = False, encoder: dict | None = None, **keys: object) -> dict:
    """The model of a config."""
    return {
        "type": "CouplingFlow",
        "encoder": encoder or {"type": "Haar", "factor": 2},
        "coupling": {"type": "LowresLatent", "noise": 64},
        "network": {**NETWORK, "middle_attention": attention},
        "sampling": {"num_intervals": 2},
        **keys,
    }


def save_model(file: Path, /, seed: int = 0, **keys: object) -> Path:
    """A checkpoint as training writes it, and the safetensors beside it."""
    flow = random_flow(seed, **keys)
    encoder = {"name": type(flow.encoder).__name__, "digest": flow.encoder.digest()}
    meta = {"iter": 0, "model": checkpoints.as_data(config_of(**keys)), "encoder": encoder}
    checkpoints.save({"meta": meta, "state_dict": flow.state_dict()}, file)
    return file


def random_flow(seed: int = 0, **keys: object) -> CouplingFlow:
    """A flow whose layers are all random, so that nothing in it is zero."""
    config = config_of(**keys)
    flow = CouplingFlow(**{key: value for key, value in config.items() if key != "type"})
    randomize(flow.network, seed)
    return flow.eval()


class LinearNetwork(nn.Module):
    """v = K * (x, context): a convolution that sees ``reach`` samples far."""

    multiple = 1

    def __init__(self, channels: int, reach: int = 1, seed: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels, channels, 2 * reach + 1, padding=reach, bias=False)
        weight = torch.randn(self.conv.weight.shape, generator=torch.Generator().manual_seed(seed))
        self.conv.weight.data = 0.3 * weight / weight[0].numel() ** 0.5

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        del t
        return self.conv(torch.cat([x, context], dim=1))


def linear_flow(reach: int = 1, **keys: object) -> CouplingFlow:
    """A flow whose network is linear and sees a known distance."""
    flow = random_flow(**keys)
    flow.network = LinearNetwork(flow.encoder.channels, reach)
    return flow.eval()
