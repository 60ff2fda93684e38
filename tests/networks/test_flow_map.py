"""Networks that are told a duration: their velocity is that of the weights that they began with, bit for bit."""

import pytest
import torch

from cfmrestore.engine import checkpoints
from cfmrestore.networks import DiffusersUNet2D, DiT, UNet

U_NET = {
    "channels": 3,
    "base_channels": 8,
    "channel_factors": (1, 2),
    "blocks": 1,
    "attention_factors": (),
    "groups": 4,
}
DIFFUSERS = {
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (8, 16),
    "down_block_types": ("DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 4,
}
NETWORKS = {
    "unet": lambda **keys: UNet(**U_NET, **keys),
    "dit": lambda **keys: DiT(channels=3, width=32, depth=2, heads=2, patch=2, input_size=16, **keys),
    "diffusers": lambda **keys: DiffusersUNet2D(channels=3, config=DIFFUSERS, **keys),
}
T = torch.tensor([0.2, 0.7])


def lively(network: torch.nn.Module) -> torch.nn.Module:
    """Without the zeros that networks begin with."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return network.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_velocity_is_upgraded_in_place(name: str) -> None:
    velocity, flow_map = lively(NETWORKS[name]()), NETWORKS[name](flow_map=True).eval()
    assert flow_map.flow_map
    assert not velocity.flow_map
    checkpoints.load_weights(flow_map, velocity.state_dict(), "velocity.pth")
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    v = velocity(x, T)
    for duration in (None, torch.zeros(2), torch.tensor([0.3, 0.1])):
        assert torch.equal(flow_map(x, T, duration=duration), v)


@pytest.mark.parametrize("name", NETWORKS)
def test_trained_it_is_told_the_duration_and_stays_a_velocity_without(name: str) -> None:
    network = lively(NETWORKS[name](flow_map=True))
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    v = network(x, T)
    assert torch.equal(network(x, T, duration=torch.zeros(2)), v)
    assert not torch.equal(network(x, T, duration=torch.tensor([0.3, 0.1])), v)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_velocity_refuses_a_duration(name: str) -> None:
    with pytest.raises(ValueError, match="takes no duration: give it flow_map=True"):
        NETWORKS[name]()(torch.zeros(1, 3, 16, 16), torch.zeros(1), duration=torch.ones(1))


def test_half_of_an_embedding_is_another_network() -> None:
    weights = UNet(**U_NET, flow_map=True).state_dict()
    del weights["duration.mlp.0.weight"]
    with pytest.raises(ValueError, match=r"1 missing \(duration.mlp.0.weight"):
        checkpoints.load_weights(UNet(**U_NET, flow_map=True), weights, "half.pth")
