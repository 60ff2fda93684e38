"""What passes the bottleneck of a network: read and changed at one evaluation."""

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.guidance import BottleneckShift
from cfmrestore.networks import DiffusersUNet2D, DiT, UNet
from cfmrestore.networks.bottleneck import at_bottleneck, bottleneck_of
from tests.networks.test_diffusers_unet_2d import CONFIG
from tests.restore.flows import NETWORK, randomize

KEYS = {key: value for key, value in NETWORK.items() if key != "type"}
NETWORKS = {
    "UNet": lambda: UNet(channels=4, middle_attention=False, **KEYS),
    "DiffusersUNet2D": lambda: DiffusersUNet2D(channels=4, config={**CONFIG, "in_channels": 4, "out_channels": 4}),
    "DiT": lambda: DiT(channels=4, width=16, depth=3, heads=2, patch=2, input_size=8),
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    built = NETWORKS[request.param]()
    randomize(built)
    return built.eval().requires_grad_(False)


def points(count: int = 4) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(2, 4, 8, 8, generator=generator), torch.full((2,), 0.2 * k)) for k in range(count)]


def test_what_is_put_back_unchanged_is_the_identity_bit_for_bit(network: nn.Module) -> None:
    seen = []

    def keep(features: Tensor) -> Tensor:
        seen.append(features.clone())
        return features

    for x, t in points():
        plain = network(x, t)
        with at_bottleneck(network, keep):
            assert torch.equal(network(x, t), plain)
        with at_bottleneck(network, lambda features: seen[-1]):
            assert torch.equal(network(x, t), plain)
        assert torch.equal(network(x, t), plain)  # and nothing stays behind
    assert len(seen) == 4


def test_what_is_captured_at_t_is_injected_at_t(network: nn.Module) -> None:
    """Mutant: the features of the evaluation before, as in the paper's code, are another velocity."""
    captured, injected = [], []
    shift = torch.zeros(())

    def move(features: Tensor) -> Tensor:
        captured.append(features)
        injected.append(features + shift)
        return injected[-1]

    lag: list[Tensor] = []

    def late(features: Tensor) -> Tensor:
        lag.append(features)
        return lag[-2] if len(lag) > 1 else features

    differs = []
    for x, t in points():
        with at_bottleneck(network, move):
            same = network(x, t)
        with at_bottleneck(network, late):
            differs.append(not torch.equal(network(x, t), same))
        assert torch.equal(injected[-1], captured[-1])
        assert torch.equal(same, network(x, t))
    assert differs == [False, True, True, True]


def test_a_shift_within_its_times_of_each_image(network: nn.Module) -> None:
    (x, _), *_ = points()
    features = []
    with at_bottleneck(network, lambda h: features.append(h) or h):
        network(x, torch.zeros(2))
    delta = 10 * torch.randn_like(features[0])  # of little of it the last layers of a deep network leave nothing
    velocity = lambda x, t: network(x, t.expand(len(x)))  # noqa: E731
    shifted = BottleneckShift(velocity, network, delta, (0.3, 0.6))
    for t in (0.2, 0.7):
        assert torch.equal(shifted(x, torch.tensor(t)), velocity(x, torch.tensor(t)))
    with at_bottleneck(network, lambda h: h + delta):
        moved = velocity(x, torch.tensor(0.4))
    assert torch.equal(shifted(x, torch.tensor(0.4)), moved)
    assert not torch.allclose(moved, velocity(x, torch.tensor(0.4)), atol=1e-3)
    mixed = shifted(x, torch.tensor([0.4, 0.9]))
    assert torch.allclose(mixed[0], moved[0], atol=1e-6)
    assert torch.allclose(mixed[1], velocity(x, torch.tensor(0.9))[1], atol=1e-6)
    guided = lambda x, t: sum(velocity(x.repeat(2, 1, 1, 1), t).chunk(2)) / 2  # noqa: E731 - two rows, as in guidance
    assert torch.allclose(BottleneckShift(guided, network, delta)(x, torch.tensor(0.4)), moved, atol=1e-6)
    with pytest.raises(ValueError, match="it fits images of the size that it was fitted to"):
        BottleneckShift(velocity, network, torch.zeros(2, 3), (0, 1))(x, torch.tensor(0.4))


def test_networks_without_one_say_so() -> None:
    with pytest.raises(ValueError, match="Linear names no bottleneck, as UNet and DiT do"):
        bottleneck_of(nn.Linear(2, 2))
    without = DiffusersUNet2D(channels=3, config={**CONFIG, "mid_block_type": None})
    with pytest.raises(ValueError, match="DiffusersUNet2D names no bottleneck"):
        bottleneck_of(without)
    inner = NETWORKS["DiT"]()
    assert bottleneck_of(nn.Sequential(nn.Identity(), inner)) is inner.blocks[1]
