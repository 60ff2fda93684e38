"""The way back: from images to where their paths start."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.contracts.analytic import RICCATI
from cfmrestore.flows import CouplingFlow
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import MODELS, NETWORKS
from tests.restore.flows import NETWORK, randomize


@NETWORKS.register_module(force=True)
class Riccati(nn.Module):
    """The velocity of a flow whose map is known."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return RICCATI.v(x.flatten(1), t).view_as(x)


def build(**keys: object) -> CouplingFlow:
    cfg = {"type": "CouplingFlow", "encoder": {"type": "Identity"}, "coupling": {"type": "LowresLatent", "noise": None},
           "conditions": [], "network": {"type": "Riccati"}, "scale": 1,
           "sampling": {"solver": {"type": "RK4"}, "num_intervals": 16}, **keys}  # fmt: skip
    return MODELS.build(cfg).eval()


def conditional(**keys: object) -> CouplingFlow:
    """A flow from noise that is told things, with random weights."""
    flow = build(
        **{"network": NETWORK, "coupling": {"type": "Independent"}, "encoder": {"type": "Haar", "factor": 2}, **keys}
    )
    randomize(flow)
    return flow


@torch.no_grad()
def test_there_and_back_on_a_known_map() -> None:
    flow, seeds = build(), torch.tensor([3, 4])
    image = 0.55 + 0.4 * torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    there = flow.restore(image, seeds)
    x_0 = 2 * image - 1
    assert torch.allclose(there.latent, RICCATI.map(x_0, torch.tensor(1.0)), atol=1e-5)
    back = flow.invert(there.image, seeds)
    assert torch.allclose(back.latent, x_0, atol=1e-4)
    assert torch.allclose(back.image, image, atol=1e-4)
    assert back.nfe == there.nfe == 64


@torch.no_grad()
@pytest.mark.parametrize("solver", ["Heun", "DoPri5", "AB2"])
def test_every_solver_walks_back(solver: str) -> None:
    flow, seeds = build(), torch.tensor([3])
    image = torch.full((1, 3, 4, 4), 0.9)
    sampling = replace(flow.sampling, solver={"type": solver}, num_intervals=64)
    there = flow.restore(image, seeds, sampling)
    assert torch.allclose(flow.invert(there.image, seeds, sampling).image, image, atol=2e-3)


@torch.no_grad()
def test_a_flow_map_does_not_walk_back() -> None:
    flow = conditional(network={**NETWORK, "flow_map": True}, sampling={"solver": {"type": "FlowMapEuler"}})
    with pytest.raises(ValueError, match="FlowMapEuler steps forward alone: invert by the velocity"):
        flow.invert(torch.rand(1, 3, 8, 8), torch.tensor([0]))
    flow.invert(torch.rand(1, 3, 8, 8), torch.tensor([0]), replace(flow.sampling, solver={"type": "Euler"}))


@torch.no_grad()
def test_under_the_same_condition_it_leads_to_the_same_noise() -> None:
    flow = conditional(conditions=[{"type": "ClassLabel", "classes": 3, "channels": 32, "dropout": 0.1}])
    for parameter in flow.conditions.parameters():
        parameter.mul_(50)
    seeds, label = torch.tensor([1, 2]), torch.tensor([0, 2])
    sampling = replace(flow.sampling, noise=0.1, guidance=1.5)  # little noise, so that nothing leaves [0, 1]
    there = flow.generate((8, 8), seeds, sampling, given={"label": label})
    assert 0 < float(there.image.min()) < float(there.image.max()) < 1
    back = flow.invert(there.image, seeds, sampling, given={"label": label})
    noise = 0.1 * flow.coupling.source_without_input(torch.zeros(2, 12, 4, 4), sampling.fork(ImageRng(seeds))).x_0
    assert torch.allclose(back.latent, noise, atol=1e-5)
    assert back.nfe == there.nfe
    other = flow.invert(there.image, seeds, sampling, given={"label": 2 - label})
    assert not torch.allclose(other.latent, noise, atol=1e-3)


@torch.no_grad()
def test_images_of_any_size_and_their_maps_are_padded_alike() -> None:
    flow = conditional(conditions=[{"type": "SemanticMap", "classes": 3}])
    image, labels = torch.rand(1, 3, 7, 5), torch.randint(3, (1, 7, 5))
    back = flow.invert(image, torch.tensor([1]), given={"map": labels})
    assert back.image.shape == image.shape
    assert back.latent.shape == (1, 12, 4, 3)


@torch.no_grad()
def test_an_input_is_given_where_the_network_is_told_it() -> None:
    flow = conditional(coupling={"type": "LowresLatent", "noise": 64}, conditions=None, scale=2)
    low, seeds = torch.rand(1, 3, 6, 6) * 0.2 + 0.4, torch.tensor([5])
    there = flow.restore(low, seeds)
    start = flow.pipeline().start(low, seeds).x_0
    back = flow.invert(there.image, seeds, given={"low": low})
    assert torch.allclose(back.latent, start, atol=1e-5)
    with pytest.raises(ValueError, match="LowRes tells the network the lowres of a start, and there is no input"):
        flow.invert(there.image, seeds)


@torch.no_grad()
def test_what_a_path_keeps_of_its_source_is_at_its_end() -> None:
    """A restoration takes the source out of x(1); the way back puts it in."""
    flow = conditional(coupling={"type": "LowresLatent", "noise": None}, conditions=None,
                       path={"type": "Linear", "sigma_min": 0.05})  # fmt: skip
    low, seeds = torch.rand(1, 3, 6, 6) * 0.2 + 0.4, torch.tensor([5])
    there = flow.restore(low, seeds)
    back = flow.invert(there.image, seeds, given={"low": low})
    assert torch.allclose(back.image, low, atol=1e-5)
