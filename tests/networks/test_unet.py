"""The U-Net and its attention."""

import subprocess
import sys

import pytest
import torch

from cfmrestore.networks import UNet
from cfmrestore.networks.layers import SpatialAttention, TimeEmbedding


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


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (7, 13), (3, 32)])
def test_any_size(size: tuple[int, int]) -> None:
    x = torch.randn(2, 4, *size)
    assert small()(x, torch.rand(2)).shape == x.shape


def test_it_starts_at_zero() -> None:
    net = UNet(channels=4, base_channels=8, channel_factors=(1, 2), blocks=1, groups=4, attention_factors=())
    assert net(torch.randn(2, 4, 8, 8), torch.rand(2)).abs().max() == 0


def test_time_context_and_noise_level_matter() -> None:
    net, x = small(context_channels=4, noise_level=True), torch.randn(1, 4, 8, 8)
    t, c, s = torch.tensor([0.2]), torch.randn(1, 4, 8, 8), torch.tensor([0.3])
    base = net(x, t, context=c, noise_level=s)
    assert not torch.allclose(base, net(x, t + 0.5, context=c, noise_level=s))
    assert not torch.allclose(base, net(x, t, context=c + 1, noise_level=s))
    assert not torch.allclose(base, net(x, t, context=c, noise_level=s + 0.5))


def test_the_input_skip_is_a_gain_for_each_channel() -> None:
    net, x, c, t = small(context_channels=4, input_skip=True), *torch.randn(2, 2, 4, 8, 8), torch.rand(2)
    with_skip = net(x, t, context=c)
    gain = net.skip(net.time(t))[:, :, None, None]
    net.skip = None
    assert torch.allclose(with_skip, net(x, t, context=c) + gain[:, :4] * x + gain[:, 4:] * c, atol=1e-5)


def test_image_i_of_a_batch_is_image_i_alone() -> None:
    net, x, t = small(), torch.randn(3, 4, 8, 8), torch.rand(3)
    assert torch.allclose(net(x, t)[1:2], net(x[1:2], t[1:2]), atol=1e-5)


def test_checkpointing_changes_memory_and_nothing_else() -> None:
    x, t = torch.randn(2, 4, 8, 8), torch.rand(2)
    grads = []
    for checkpointing in (False, True):
        net = small(checkpointing=checkpointing).train()
        net(x, t).square().mean().backward()
        grads.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    assert torch.equal(*grads)


def test_channels_last_gives_the_same() -> None:
    net, x, t = small(), torch.randn(2, 4, 8, 8), torch.rand(2)
    expected = net(x, t)
    net.to(memory_format=torch.channels_last)
    assert torch.allclose(net(x.contiguous(memory_format=torch.channels_last), t), expected, atol=1e-5)


def run_code(code: str) -> None:
    """In a process of its own, since the suite's shape checks are not for the compiler."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


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


def test_the_gradient_is_the_derivative() -> None:
    net = small().double()
    x, t = torch.randn(1, 4, 4, 4, dtype=torch.float64, requires_grad=True), torch.rand(1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: net(x, t), x, atol=1e-4)


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


def test_a_missing_context_is_named() -> None:
    with pytest.raises(ValueError, match="context of 4 channels; got none"):
        small(context_channels=4)(torch.randn(1, 4, 8, 8), torch.rand(1))


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
