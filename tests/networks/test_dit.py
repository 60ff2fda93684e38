"""The diffusion transformer: its published form to the parameter, its kinds of attention, and its tiles."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.conditions import ClassLabel
from cfmrestore.execution import NetworkVelocity
from cfmrestore.networks import DiT
from cfmrestore.networks.layers import LinearAttention, TokenAttention, WindowAttention, axial_rotation, sincos_table
from cfmrestore.networks.layers.position import rotate
from cfmrestore.networks.layers.token_mlp import ConvMLP, SwiGLU
from cfmrestore.ops.tiles import Tiling
from tests.networks.compiling import run_code
from tests.restore.flows import randomize

CPU = torch.device("cpu")
WIDTHS = {"S": 384, "B": 768, "L": 1024, "XL": 1152}


def small(**keys: object) -> DiT:
    net = DiT(**{"channels": 4, "width": 16, "depth": 2, "heads": 2, "input_size": 8, **keys})
    randomize(net)
    return net.eval()


def parameters(d: int, **keys: object) -> int:
    """With the table of 1000 classes and none, which the condition owns."""
    with torch.device("meta"):
        modules = nn.ModuleList([DiT(embedding_channels=d, **keys), ClassLabel(classes=1000, channels=d)])
    return sum(p.numel() for p in modules.parameters())


@pytest.mark.parametrize(
    ("size", "patch", "count"),
    [
        ("S", 2, 32_865_056), ("S", 4, 32_920_448), ("S", 8, 33_142_016),
        ("B", 2, 130_315_808), ("B", 4, 130_426_496), ("B", 8, 130_869_248),
        ("L", 2, 457_840_672), ("L", 4, 457_988_224), ("L", 8, 458_578_432),
        ("XL", 2, 674_834_720), ("XL", 4, 675_000_704), ("XL", 8, 675_664_640),
    ],
)  # fmt: skip
def test_published_parameters(size: str, patch: int, count: int) -> None:
    assert parameters(WIDTHS[size], channels=4, size=size, patch=patch, learn_sigma=True) == count


@pytest.mark.parametrize(
    ("size", "count"), [("S", 32_858_896), ("B", 130_303_504), ("L", 457_824_272), ("XL", 674_816_272)]
)
def test_parameters_of_a_velocity_alone(size: str, count: int) -> None:
    assert parameters(WIDTHS[size], channels=4, size=size) == count


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ({"size": "B", "width": 768}, 130_359_584),
        ({"size": "XL", "width": 1152}, 674_961_824),
        ({"width": 1536, "depth": 24, "heads": 24}, 1_029_007_904),
        ({"width": 1792, "depth": 28, "heads": 28}, 1_631_308_368),
    ],
)
def test_parameters_of_lightning_dit(sizes: dict, count: int) -> None:
    """Yao et al., 2025 (arXiv:2501.01423)."""
    keys = {"channels": 32, "patch": 1, "norm": "rms", "mlp": "swiglu", "position": "rope", **sizes}
    assert parameters(sizes["width"], **keys) == count


def test_a_shared_modulation_saves_a_third() -> None:
    full, single = (parameters(1152, channels=4, size="XL", modulation=kind) for kind in ("full", "single"))
    d, depth = 1152, 28
    assert full - single == (depth - 1) * (6 * d * d + 6 * d) - depth * 6 * d + (2 * d * d + 2 * d) - 2 * d


def test_the_variance_of_a_published_network_is_discarded() -> None:
    net, x, t = small(learn_sigma=True), torch.randn(2, 4, 8, 8), torch.rand(2)
    before = net(x, t)
    rows = net.head.linear.weight.view(2, 2, 8, 16)
    rows.data[:, :, 4:] = 7
    assert torch.equal(net(x, t), before)
    rows.data[:, :, :4] = 7
    assert not torch.allclose(net(x, t), before)


def test_the_initialization() -> None:
    torch.manual_seed(0)
    net = DiT(channels=4, width=64, depth=1, heads=2, noise_level=True, embedding_channels=3)
    for layer in (net.time.mlp[0], net.time.mlp[2], net.level.mlp[0]):
        assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    bound = math.sqrt(6 / (4 * 2 * 2 + 64))  # Glorot's, of the patch as a vector
    assert 0.9 * bound < net.embed.weight.abs().max() <= bound
    assert net.blocks[0].modulation.linear.weight.abs().max() == net.head.linear.weight.abs().max() == 0
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    assert all(b.abs().max() == 0 for b in biases)


def test_the_table_is_the_published_one_at_its_size_and_centered_at_others() -> None:
    width, side = 24, 6
    omega = 1 / 10000 ** (np.arange(width // 4) / (width / 4))
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    angles = [np.einsum("hw,k->hwk", position, omega) for position in (column, row)]
    published = np.concatenate([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=-1)
    table = sincos_table((side, side), width, side, CPU)
    assert np.allclose(table, published, atol=1e-6)
    assert torch.allclose(sincos_table((10, 8), width, side, CPU)[2:8, 1:7], table, atol=1e-6)
    assert torch.allclose(sincos_table((4, 2), width, side, CPU), table[1:5, 2:4], atol=1e-6)


def test_rotations_make_products_depend_on_distances_alone() -> None:
    rotation = axial_rotation((9, 11), 8, CPU)
    q, k = torch.randn(2, 8).expand(9, 11, 1, 2, 8).unbind(-2)
    q, k = rotate(q[None], rotation)[0, :, :, 0], rotate(k[None], rotation)[0, :, :, 0]
    products = torch.einsum("hwd,ijd->hwij", q, k)
    assert torch.allclose(products[1, 2, 4, 7], products[5, 4, 8, 9], atol=1e-5)
    assert not torch.allclose(products[1, 2, 4, 7], products[1, 2, 5, 7], atol=1e-3)
    assert not torch.allclose(products[1, 2, 4, 7], products[1, 2, 4, 8], atol=1e-3)
    assert torch.allclose(rotate(q[None, :, :, None], rotation).norm(dim=-1)[0, ..., 0], q.norm(dim=-1), atol=1e-5)


def test_positions_are_those_of_the_window() -> None:
    rotation = axial_rotation((10, 12), 8, CPU, shift=2, period=4)
    assert torch.equal(rotation[:, 2:6, 2:6], rotation[:, 6:10, 6:10])
    assert torch.equal(rotation[:, 2:6, 2:6], axial_rotation((4, 4), 8, CPU))
    assert torch.equal(rotation[:, :2, :2], axial_rotation((4, 4), 8, CPU)[:, 2:, 2:])


def random_attention(cls: type[TokenAttention], **keys: object) -> TokenAttention:
    torch.manual_seed(0)
    return cls(16, heads=2, **keys)


def by_definition(attention: TokenAttention, x: Tensor, mask: Tensor) -> Tensor:
    """Attention of tokens (h*w), with the pairs that may meet."""
    q, k, v = attention.qkv(x).flatten(1, 2).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
    if isinstance(attention, LinearAttention):
        weight = torch.einsum("bhid,bhjd->bhij", q.relu(), k.relu())
        weight = weight / (weight.sum(-1, keepdim=True) + 1e-6)
    else:
        q, k = attention.norm_q(q), attention.norm_k(k)
        weight = (torch.einsum("bhid,bhjd->bhij", q, k) / 8**0.5).masked_fill(~mask, -torch.inf).softmax(-1)
    mixed = torch.einsum("bhij,bhjd->bihd", weight, v).flatten(-2)
    return attention.out(mixed).unflatten(1, x.shape[1:3])


@pytest.mark.parametrize("cls", [TokenAttention, LinearAttention])
def test_attention_equals_its_definition(cls: type[TokenAttention]) -> None:
    attention, x = random_attention(cls), torch.randn(2, 5, 7, 16)
    assert torch.allclose(attention(x), by_definition(attention, x, torch.tensor(True)), atol=1e-5)


@pytest.mark.parametrize("size", [(8, 12), (5, 7), (1, 9), (3, 2)])
@pytest.mark.parametrize("shift", [0, 2])
def test_windows_equal_a_mask(size: tuple[int, int], shift: int) -> None:
    check_windows(WindowAttention, size, shift)


def check_windows(cls: type[WindowAttention], size: tuple[int, int], shift: int) -> None:
    attention = random_attention(cls, window=4, shift=shift, qk_norm=True)
    x = torch.randn(2, *size, 16)
    rows, columns = (torch.arange(n).sub(shift).div(4, rounding_mode="floor") for n in size)
    window = (100 * rows[:, None] + columns).flatten()
    expected = by_definition(attention, x, window[:, None] == window)
    assert torch.allclose(attention(x), expected, atol=1e-5)


class Cyclic(WindowAttention):
    """Windows that are shifted by rolling the grid, so that opposite borders meet."""

    def _mix(self, q: Tensor, k: Tensor, v: Tensor, rotation: Tensor | None) -> Tensor:
        shift, self.shift = self.shift, 0
        rolled = super()._mix(*(y.roll((-shift, -shift), (1, 2)) for y in (q, k, v)), rotation)
        return rolled.roll((shift, shift), (1, 2))


def test_windows_that_wrap_around_are_seen() -> None:
    check_windows(Cyclic, (8, 12), 0)
    with pytest.raises(AssertionError):
        check_windows(Cyclic, (8, 12), 2)


def test_linear_attention_of_nothing_is_nothing() -> None:
    attention, x = random_attention(LinearAttention), torch.randn(1, 3, 3, 16)
    attention.qkv.bias.data[:16] = -1e3  # no query is positive
    assert torch.equal(attention(x), attention.out.bias.expand(1, 3, 3, -1))


def test_queries_and_keys_of_any_length_are_bounded() -> None:
    attention, x = random_attention(TokenAttention, qk_norm=True), torch.randn(1, 3, 3, 16)
    attention.qkv.bias.data[:32] = 0
    expected = attention(x)
    attention.qkv.weight.data[:32] *= 1e3
    assert torch.allclose(attention(x), expected, atol=1e-4)


def test_gated_mlps_equal_their_definition() -> None:
    x = torch.randn(2, 5, 7, 12)
    swiglu = SwiGLU(12, 4.0)
    gate, value = F.linear(x, swiglu.inner.weight, swiglu.inner.bias).split(32, dim=-1)
    assert torch.allclose(swiglu(x), swiglu.outer(gate * gate.sigmoid() * value), atol=1e-5)
    conv = ConvMLP(12, 4.0)
    y = F.silu(F.conv2d(x.movedim(-1, 1), conv.inner.weight[:, :, None, None], conv.inner.bias))
    value, gate = F.conv2d(y, conv.depthwise.weight, conv.depthwise.bias, padding=1, groups=64).split(32, dim=1)
    expected = F.conv2d(value * F.silu(gate), conv.outer.weight[:, :, None, None], conv.outer.bias)
    assert torch.allclose(conv(x), expected.movedim(1, -1), atol=1e-5)


def windowed(**keys: object) -> DiT:
    return small(**{"attention": "window", "window": 4, "position": "rope", "qk_norm": True, **keys})


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("mlp", ["gelu", "conv"])
def test_the_reach_is_how_far_a_cut_is_seen(depth: int, mlp: str) -> None:
    net, t = windowed(depth=depth, mlp=mlp), torch.rand(1)
    net.double()
    x = torch.randn(1, 4, 64, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole, start = net(x, t), 3 * net.multiple
    behind, before = net(x[:, :, start:], t), net(x[:, :, :start], t)
    for apart in ((behind - whole[:, :, start:]).abs(), (before - whole[:, :, :start]).abs().flip(2)):
        seen = apart.amax((0, 1, 3)) > 1e-14
        assert int(seen.sum()) == net.reach
        assert seen[: net.reach].all()


@pytest.mark.parametrize(
    ("patch", "mlp", "position"), [(1, "conv", "none"), (2, "swiglu", "rope"), (2, "conv", "rope")]
)
def test_tiles_that_overlap_by_the_reach_equal_the_whole(patch: int, mlp: str, position: str) -> None:
    net = windowed(depth=3, patch=patch, mlp=mlp, position=position, context_channels=4)
    assert (net.multiple, net.reach) == (4 * patch, (4 + (mlp == "conv")) * patch)
    size = (43 * patch + 1, 57 * patch - 1)
    x, context = (torch.randn(1, 4, *size, generator=torch.Generator().manual_seed(i)) for i in range(2))
    t = torch.tensor(0.3)
    whole = NetworkVelocity(net, {"context": context}, CPU)(x, t)

    @torch.no_grad()
    def worst(tiling: Tiling) -> float:
        assert min(len(tiling.starts(length)) for length in size) > 1
        tiled = NetworkVelocity(net, {"context": context}, CPU, tiling=tiling)
        return float((tiled(x, t) - whole).abs().max() / whole.abs().max())

    overlap = 4 * net.reach
    assert worst(Tiling(overlap + 2 * net.multiple, overlap, net.multiple)) < 1e-5
    assert worst(Tiling(overlap + 2 * net.multiple, net.multiple, net.multiple)) > 1e-3
    assert worst(Tiling(overlap + 2 * net.multiple + patch, overlap, patch)) > 1e-3


@pytest.mark.parametrize("keys", [{}, {"attention": "window"}, {"attention": "linear", "position": "none"}])
def test_what_sees_everything_or_its_place_has_no_reach(keys: dict) -> None:
    assert small(**keys).reach is None


@pytest.mark.slow
def test_compiled_it_takes_more_than_one_size() -> None:
    """The second size is traced with symbols. No code is generated here."""
    run_code("""
import torch
from cfmrestore.networks import DiT
torch.manual_seed(0)
keys = dict(attention="window", window=4, position="rope", mlp="conv", modulation="single", qk_norm=True)
net = DiT(channels=4, width=16, depth=2, heads=2, **keys)
for parameter in net.parameters():
    torch.nn.init.normal_(parameter, std=0.2)
inputs = [(torch.randn(2, 4, *size), torch.rand(2)) for size in ((16, 16), (7, 13))]
with torch.no_grad():
    expected = [net(*pair) for pair in inputs]
    net.compile(backend="aot_eager", fullgraph=True)
    assert all(torch.allclose(net(*pair), v, atol=1e-4) for pair, v in zip(inputs, expected))
""")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"size": "M"}, "size is one of 'S', 'B', 'L', 'XL'; got 'M'"),
        ({"attention": "local"}, "attention is one of 'full', 'window', 'linear'; got 'local'"),
        ({"mlp": "relu"}, "mlp is one of"),
        ({"width": 18, "heads": 4}, "multiple of heads"),
        ({"width": 12, "heads": 2, "position": "rope"}, "a multiple of 4 features; got 6"),
        ({"width": 18, "heads": 3}, "multiple of 4; got 18"),
        ({"window": 3}, "window=3"),
        ({"patch": 0}, "patch=0"),
        ({"depth": 0}, "depth=0"),
    ],
)
def test_bad_keys(keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**keys)
