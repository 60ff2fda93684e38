"""The U-Net and its attention."""

import pytest
import torch

from cfmrestore.networks import UNet
from cfmrestore.networks.layers import SpatialAttention, TimeEmbedding
from tests.networks.compiling import run_code


def small(**keys) -> UNet:
    torch.manual_seed(0)
    defaults = {"channels": 4, "base_channels": 8, "channel_factors": (1, 2), "blocks": 1, "groups": 4, "heads": 2}
    net = UNet(**{**defaults, "head_dim": 4, "attention_factors": (2,), **keys})
    for parameter in net.parameters():  # leave the zero initialization, which hides everything
        torch.nn.init.normal_(parameter, std=0.1)
    return net


def test_fmboost_has_305_8_million_parameters() -> None:
    with torch.device("meta"):
        net = UNet(channels=4, context_channels=4)
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 1) == 305.8


@pytest.mark.slow
def test_compiled_equals_eager() -> None:
    run_code("""
import torch
from cfmrestore.networks import UNet
torch.manual_seed(0)
net = UNet(channels=4, base_channels=8, channel_factors=(1, 2), blocks=1, groups=4, attention_factors=(2,), head_dim=4)
torch.nn.init.normal_(net.head[2].weight)
x, t = torch.randn(2, 4, 8, 8), torch.rand(2)
expected = net(x, t)
net.compile()
assert expected.abs().max() > 0.1
assert torch.allclose(net(x, t), expected, atol=1e-4), (net(x, t) - expected).abs().max()
""")


@pytest.mark.slow
def test_compiled_it_takes_more_than_one_size() -> None:
    """The second size is traced with symbols; one that is padded, one that is not. No code is generated here."""
    run_code("""
import torch
from cfmrestore.networks import UNet
torch.manual_seed(0)
net = UNet(channels=4, base_channels=4, channel_factors=(1, 1), blocks=1, groups=4, attention_factors=(), head_dim=4)
torch.nn.init.normal_(net.head[2].weight)
inputs = [(torch.randn(2, 4, *size), torch.rand(2)) for size in ((8, 8), (7, 13), (16, 12))]
with torch.no_grad():
    expected = [net(*pair) for pair in inputs]
    net.compile(backend="aot_eager")
    assert all(torch.allclose(net(*pair), v, atol=1e-4) for pair, v in zip(inputs, expected))
""")


@pytest.mark.slow
def test_a_level_with_attention_is_compiled_for_any_size() -> None:
    """Code is generated for symbolic sizes: what the second size of a run asks for."""
    run_code("""
import torch
from cfmrestore.networks.layers import Downsample, ResidualBlock, SpatialAttention

class Level(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.block = Downsample(4), ResidualBlock(4, 4, 4, groups=4)
        self.attention = SpatialAttention(4, heads=1, head_dim=4, groups=4)

    def forward(self, x, embedding):
        return self.attention(self.block(self.down(x), embedding))

torch.manual_seed(0)
level, x, embedding = Level(), torch.randn(2, 4, 7, 13), torch.randn(2, 4)
for parameter in level.parameters():
    torch.nn.init.normal_(parameter, std=0.1)
with torch.no_grad():
    expected = level(x, embedding)
    level.compile()
    torch._dynamo.mark_dynamic(x, (2, 3))
    assert torch.allclose(level(x, embedding), expected, atol=1e-4)
""")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"attention_factors": (16,)}, "reaches \\[1, 2\\]"),
        ({"groups": 3}, "multiples of groups=3"),
    ],
)
def test_bad_keys(keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**keys)


def check_permutation_equivariance(attention: torch.nn.Module) -> None:
    x = torch.randn(2, 8, 4, 6, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))

    def permuted(y: torch.Tensor) -> torch.Tensor:
        return y.flatten(2)[..., order].unflatten(2, (4, 6))

    assert torch.allclose(attention(permuted(x)), permuted(attention(x)), atol=1e-5)


def random_attention(cls=SpatialAttention) -> torch.nn.Module:
    torch.manual_seed(0)
    attention = cls(8, heads=2, head_dim=4, groups=4)
    torch.nn.init.normal_(attention.out.weight)
    torch.nn.init.normal_(attention.qkv.weight)
    return attention


def test_attention_is_permutation_equivariant() -> None:
    check_permutation_equivariance(random_attention())


class ReshapedAttention(SpatialAttention):
    """The published defect: channels are reshaped into positions, without a transpose."""

    def forward(self, x):
        b, _, h, w = x.shape
        qkv = self.qkv(self.norm(x)).reshape(b, self.heads, h * w, -1)
        mixed = torch.nn.functional.scaled_dot_product_attention(*qkv.chunk(3, dim=-1))
        return x + self.out(mixed.reshape(b, -1, h, w))


def test_equivariance_rejects_the_published_defect() -> None:
    with pytest.raises(AssertionError):
        check_permutation_equivariance(random_attention(ReshapedAttention))


def test_attention_equals_its_definition() -> None:
    attention, x = random_attention(), torch.randn(1, 8, 3, 3)
    q, k, v = attention.qkv(attention.norm(x)).flatten(2).reshape(1, 3, 2, 4, 9).unbind(1)  # heads, head_dim, positions
    weight = torch.softmax(torch.einsum("bhdi,bhdj->bhij", q, k) / 2, dim=-1)
    mixed = torch.einsum("bhij,bhdj->bhdi", weight, v).reshape(1, 8, 3, 3)
    assert torch.allclose(attention(x), x + attention.out(mixed), atol=1e-5)


def test_time_scale() -> None:
    torch.manual_seed(0)
    one = TimeEmbedding(8, 16, time_scale=1.0)
    thousand = TimeEmbedding(8, 16, time_scale=1000.0)
    thousand.load_state_dict(one.state_dict())
    assert torch.allclose(one(torch.tensor([500.0])), thousand(torch.tensor([0.5])), atol=1e-4)


@pytest.mark.parametrize("keys", [{"heads": None, "head_dim": 4}, {"heads": 2, "head_dim": None}])
def test_heads_or_their_channels_follow_from_the_level(keys: dict) -> None:
    net = small(attention_factors=(1, 2), **keys)
    layers = [module for module in net.modules() if isinstance(module, SpatialAttention)]
    assert {(layer.qkv.in_channels, layer.heads) for layer in layers} == {
        (8, 2),
        (16, 4 if keys["heads"] is None else 2),
    }
    assert all(layer.qkv.out_channels == 3 * layer.qkv.in_channels for layer in layers)
    assert net(torch.randn(1, 4, 4, 4), torch.rand(1)).shape == (1, 4, 4, 4)


def test_heads_that_do_not_divide_the_channels() -> None:
    for keys in ({"heads": 3, "head_dim": None}, {"heads": None, "head_dim": 5}):
        with pytest.raises(ValueError, match="a level of 16 channels does not divide by"):
            small(**keys)
    with pytest.raises(ValueError, match="attention needs heads or head_dim; both are None"):
        small(heads=None, head_dim=None)


def test_local_gains_add_to_those_of_each_channel() -> None:
    keys = {"input_skip": True, "context_channels": 4, "channel_factors": (1,), "attention_factors": ()}
    plain, local = small(**keys), small(**keys, local_gains=True)
    x, context, t = torch.randn(2, 4, 7, 9), torch.randn(2, 4, 7, 9), torch.rand(2)
    weights = {name: value for name, value in local.state_dict().items() if "local_gains" not in name}
    plain.load_state_dict(weights)
    seen: list[torch.Tensor] = []
    local.local_gains.register_forward_hook(lambda _, __, out: seen.append(out))
    velocity = local(x, t, context=context)
    expected = plain(x, t, context=context) + seen[0][:, :4] * x + seen[0][:, 4:] * context
    assert torch.allclose(velocity, expected, atol=1e-5)
    assert seen[0].std(dim=(2, 3)).min() > 1e-3  # another one at each place
    with torch.no_grad():
        local.local_gains[2].weight.zero_(), local.local_gains[2].bias.zero_()
    assert torch.equal(local(x, t, context=context), plain(x, t, context=context))
    with pytest.raises(ValueError, match="give input_skip=True"):
        small(local_gains=True)


def test_a_gain_shuts_off_noise_that_does_not_fit_through_the_network() -> None:
    """31 channels of white noise through 4: the velocity -x, at the places that the first channel tells."""
    torch.manual_seed(0)
    keys = {"channels": 32, "base_channels": 4, "channel_factors": (1,), "attention_factors": (), "groups": None}
    errors = []
    for local_gains in (False, True):
        torch.manual_seed(0)
        net = UNet(**keys, blocks=1, middle_attention=False, input_skip=True, local_gains=local_gains)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(150):
            x = torch.randn(4, 32, 8, 8)
            here = torch.rand(4, 1, 8, 8).round()
            x[:, :1] = 4 * here
            error = (net(x, torch.zeros(4)) + here * x)[:, 1:].square().mean()
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
        errors.append(error.item())
    assert errors[0] > 0.2  # half of it is kept, and half of that is the best gain that knows no place
    assert errors[1] < 0.05
