"""A flow whose classes are Gaussians, with its velocity in closed form, and small flows with random weights."""

import torch
from torch import Tensor, nn

from cfmrestore.flows import CouplingFlow
from cfmrestore.registry import MODELS, NETWORKS
from tests.restore.flows import NETWORK, randomize

LAWS = ((0.2, 0.3), (-0.3, 0.15))
"""Mean and standard deviation of the pixels of each class."""


@NETWORKS.register_module(force=True)
class Gaussians(nn.Module):
    """The velocity from N(0, 1) to N(m, s^2) on the straight path, as in ``contracts.analytic``, with m and s told."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls: list[int] = []

    def forward(self, x: Tensor, t: Tensor, embedding: Tensor) -> Tensor:
        self.calls.append(len(x))
        m, s = embedding[:, :, None, None, None].unbind(1)
        return m + slope(t[:, None, None, None], s) * (x - t[:, None, None, None] * m)


def slope(t: Tensor, s: Tensor | float) -> Tensor:
    """The factor k of v(x, t) = m + k (x - t m)."""
    return (t * s**2 - (1 - t)) / ((1 - t) ** 2 + t**2 * s**2)


def gaussian_flow(**keys: object) -> CouplingFlow:
    labels = {"type": "ClassLabel", "classes": 2, "channels": 2, "dropout": 0.1}
    cfg = {"type": "CouplingFlow", "encoder": {"type": "Identity"}, "coupling": {"type": "Independent"},
           "conditions": [labels], "network": {"type": "Gaussians"}, "scale": 1, **keys}  # fmt: skip
    flow = MODELS.build(cfg).eval()
    none = (sum(m for m, _ in LAWS) / 2, 0.5)
    flow.conditions["ClassLabel"].table.weight.data.copy_(torch.tensor([*LAWS, none]))
    return flow


def class_pixels(label: int, count: int = 2, side: int = 128) -> Tensor:
    """Images whose latents are draws of a class."""
    m, s = LAWS[label]
    x = m + s * torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(7))
    return (x + 1) / 2


def labels(label: int, count: int = 2) -> dict[str, Tensor]:
    return {"label": torch.full((count,), label)}


def random_flow(**keys: object) -> CouplingFlow:
    """A flow with random weights, whose classes differ."""
    told = [{"type": "ClassLabel", "classes": 3, "channels": 32, "dropout": 0.1}]
    cfg = {"type": "CouplingFlow", "encoder": {"type": "Haar", "factor": 2}, "coupling": {"type": "Independent"},
           "conditions": told, "network": NETWORK, "scale": 1, **keys}  # fmt: skip
    flow = MODELS.build(cfg).eval()
    randomize(flow)
    with torch.no_grad():
        for parameter in flow.conditions.parameters():
            parameter.mul_(50)
    return flow
