"""What every network of the registry promises."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.contracts.networks import (
    CONTRACT,
    build,
    check_all_that_it_is_told_matters,
    check_channels_last,
    check_duration,
    check_gradients,
    check_images_are_independent,
    check_keywords,
    check_reach,
    check_shapes,
)
from cfmrestore.networks import DiT, Network, UNet
from cfmrestore.networks.conditioned import ConditionedNetwork
from cfmrestore.plugins import ContractError
from cfmrestore.registry import MODELS, NETWORKS
from tests.restore.flows import config_of, randomize

UNET = {"base_channels": 8, "channel_factors": (1, 2), "blocks": 1, "groups": 4, "heads": 2, "head_dim": 4}
UNET |= {"attention_factors": (2,)}
DIT = {"width": 16, "depth": 2, "heads": 2, "input_size": 8}
MODERN = {**DIT, "modulation": "single", "qk_norm": True, "norm": "rms", "position": "rope", "time_scale": 1000.0}

NETS: dict[str, Callable[..., ConditionedNetwork]] = {
    "UNet": lambda **keys: UNet(**{"channels": 4, **UNET, **keys}),
    "UNet, guided": lambda **keys: UNet(**{"channels": 4, **UNET, "head_dim": None, "resample": "block", **keys}),
    "UNet, FMBoost's": lambda **keys: UNet(**{"channels": 4, **UNET, "attention_layout": "fmboost", **keys}),
    "DiT": lambda **keys: DiT(**{"channels": 4, **DIT, **keys}),
    "DiT, windows": lambda **keys: DiT(**{"channels": 4, **MODERN, "attention": "window", "window": 4, **keys}),
    "DiT, linear": lambda **keys: DiT(
        **{"channels": 4, **MODERN, "attention": "linear", "mlp": "conv", "patch": 1, **keys}
    ),
    "DiT, full": lambda **keys: DiT(**{"channels": 4, **MODERN, "mlp": "swiglu", "patch": 4, **keys}),
}
"""Small ones of every network, and of every kind of attention."""

WRAPPERS = {"DiffusionVelocity", "ReversedTime", "DiffusersUNet2D"}
"""Networks around these, which keep their promises with them; diffusers' own."""


@pytest.fixture(params=NETS)
def make(request: pytest.FixtureRequest) -> Callable[..., ConditionedNetwork]:
    return NETS[request.param]


@pytest.fixture
def net(make: Callable[..., ConditionedNetwork]) -> ConditionedNetwork:
    """One whose layers are all random, so that nothing in it is zero."""
    return randomized(make())


def randomized(net: ConditionedNetwork) -> ConditionedNetwork:
    randomize(net)
    return net.eval()


def inputs(batch: int = 2, size: tuple[int, int] = (8, 12), seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 4, *size, generator=generator), torch.rand(batch, generator=generator)


def test_every_network_is_here() -> None:
    NETWORKS.import_from_location()
    own = {name for name, cls in NETWORKS.module_dict.items() if cls.__module__.startswith("cfmrestore.")}
    assert own == {name.split(",")[0] for name in NETS} | WRAPPERS


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (7, 13), (3, 32), (17, 2)])
def test_any_size(net: ConditionedNetwork, size: tuple[int, int]) -> None:
    x, t = inputs(size=size)
    v = net(x, t)
    assert v.shape == x.shape
    assert v.isfinite().all()


def test_the_velocity_starts_at_zero(make: Callable[..., ConditionedNetwork]) -> None:
    x, t = inputs()
    assert make()(x, t).abs().max() == 0
    assert make(input_skip=True, context_channels=4)(x, t, context=x).abs().max() == 0


@pytest.mark.parametrize("width", [3, 16, 32])
def test_all_that_it_is_told_matters(make: Callable[..., ConditionedNetwork], width: int) -> None:
    net = randomized(make(context_channels=4, noise_level=True, embedding_channels=width))
    x, t = inputs()
    told = {"t": t, "context": x.flip(0), "noise_level": t / 2, "embedding": torch.randn(2, width)}
    base = net(x, **told)
    for name, value in told.items():
        other = net(x, **{**told, name: value + 0.5})
        assert (other - base).abs().amax((1, 2, 3)).min() > 1e-5, name


def test_an_embedding_of_its_own_width_is_added_as_it_is(make: Callable[..., ConditionedNetwork]) -> None:
    plain = make()
    width = plain.time.mlp[2].out_features
    told = make(embedding_channels=width)
    assert told.state_dict().keys() == plain.state_dict().keys()
    projected = {"projection.weight", "projection.bias"}
    assert make(embedding_channels=3).state_dict().keys() - plain.state_dict().keys() == projected
    told = randomized(told)
    x, t = inputs()
    with torch.no_grad():
        embedding = told.time(t + 0.3) - told.time(t)
    assert torch.allclose(told(x, t, embedding=embedding), told(x, t + 0.3, embedding=0 * embedding), atol=1e-5)


@pytest.mark.parametrize(
    ("own", "given", "message"),
    [
        ({"context_channels": 4}, {}, "context of 4 channels; got none"),
        ({"context_channels": 4}, {"context": torch.zeros(2, 3, 8, 12)}, "context of 4 channels; got 3 channels"),
        ({}, {"context": torch.zeros(2, 4, 8, 12)}, "context of 0 channels; got 4 channels"),
        ({"embedding_channels": 5}, {}, "embedding of 5 channels; got none"),
        ({"embedding_channels": 5}, {"embedding": torch.zeros(2, 6)}, "embedding of 5 channels; got 6 channels"),
        ({}, {"embedding": torch.zeros(2, 5)}, "embedding of 0 channels; got 5 channels"),
        ({"noise_level": True}, {}, "a noise level; got none"),
        ({}, {"noise_level": torch.zeros(2)}, "no noise level; got one"),
    ],
)
def test_what_does_not_fit_is_named(
    make: Callable[..., ConditionedNetwork], own: dict, given: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(**own)(*inputs(), **given)


def test_a_skip_of_another_context_is_refused(make: Callable[..., ConditionedNetwork]) -> None:
    with pytest.raises(ValueError, match="context of 4 channels or more, or none; got 3"):
        make(input_skip=True, context_channels=3)


def test_the_skip_is_a_gain_of_each_channel(make: Callable[..., ConditionedNetwork]) -> None:
    net = randomized(make(context_channels=4, input_skip=True))
    x, t = inputs()
    c = x.flip(0)
    with_skip = net(x, t, context=c)
    gain = net.skip(net.time(t))[:, :, None, None]
    net.skip = None
    assert torch.allclose(with_skip, net(x, t, context=c) + gain[:, :4] * x + gain[:, 4:] * c, atol=1e-5)


def check_gradients_reach_all(net: nn.Module) -> None:
    x, t = inputs()
    net(x, t, context=x, noise_level=t, embedding=torch.randn(2, 3)).square().mean().backward()
    missed = [name for name, p in net.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert not missed


def told_all(make: Callable[..., ConditionedNetwork]) -> ConditionedNetwork:
    return randomized(make(context_channels=4, noise_level=True, embedding_channels=3, input_skip=True))


def test_gradients_reach_all_parameters(make: Callable[..., ConditionedNetwork]) -> None:
    check_gradients_reach_all(told_all(make))


def test_a_layer_that_is_left_out_is_seen() -> None:
    class Forgetful(UNet):
        def _add_skip(self, velocity: Tensor, *_: Tensor | None) -> Tensor:
            return velocity

    with pytest.raises(AssertionError, match=r"skip\.1\.weight"):
        check_gradients_reach_all(told_all(lambda **keys: Forgetful(channels=4, **UNET, **keys)))


def test_checkpointing_changes_memory_and_nothing_else(make: Callable[..., ConditionedNetwork]) -> None:
    x, t = inputs()
    gradients = []
    for checkpointing in (False, True):
        net = randomized(make(checkpointing=checkpointing)).train()
        net(x, t).square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    assert torch.equal(*gradients)


def test_image_i_of_a_batch_is_image_i_alone(net: ConditionedNetwork) -> None:
    x, t = inputs(batch=3)
    assert torch.allclose(net(x, t)[1:2], net(x[1:2], t[1:2]), atol=1e-5)


def test_channels_last_gives_the_same(net: ConditionedNetwork) -> None:
    x, t = inputs()
    expected = net(x, t)
    net.to(memory_format=torch.channels_last)
    assert torch.allclose(net(x.contiguous(memory_format=torch.channels_last), t), expected, atol=1e-5)


def test_the_gradient_is_the_derivative_in_double_precision(net: ConditionedNetwork) -> None:
    x, t = (value.double() for value in inputs(batch=1, size=(4, 6)))
    net = net.double()
    assert net(x, t).dtype is torch.float64
    assert torch.autograd.gradcheck(lambda x: net(x, t), x.requires_grad_(), atol=1e-4, fast_mode=True)


def test_forward_mode_is_the_derivative_along_a_line_and_has_gradients(net: ConditionedNetwork) -> None:
    """What losses of flow maps ask for: d/ds v(x + s u, t + s), differentiable in the parameters."""
    net = net.double()
    x, t = (value.double() for value in inputs())
    u, h = x.flip(0).roll(1, -1), 1e-8
    _, derivative = torch.func.jvp(net, (x, t), (u, torch.ones_like(t)))
    difference = (net(x + h * u, t + h) - net(x - h * u, t - h)) / (2 * h)
    assert difference.abs().max() > 1e-3
    assert torch.allclose(derivative, difference, atol=1e-5, rtol=1e-4)
    derivative.square().mean().backward()
    gradients = {name: p.grad for name, p in net.named_parameters() if name.endswith("weight")}
    assert all(gradient.isfinite().all() and gradient.abs().max() > 0 for gradient in gradients.values())


def test_recomputing_and_forward_mode_exclude_each_other(make: Callable[..., ConditionedNetwork]) -> None:
    net, (x, t) = randomized(make(checkpointing=True)), inputs()
    torch.func.jvp(net.eval(), (x, t), (x, t))
    with pytest.raises(ValueError, match="checkpointing=False"):
        torch.func.jvp(net.train(), (x, t), (x, t))


def test_reduced_precision_is_near(net: ConditionedNetwork) -> None:
    x, t = inputs()
    expected = net(x, t)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        v = net(x, t)
        v.float().square().mean().backward()
    assert (v - expected).abs().max() < 0.05 * expected.abs().max()
    whole = net.bfloat16()(x.bfloat16(), t)
    assert whole.dtype is torch.bfloat16
    assert whole.isfinite().all()


@pytest.mark.parametrize("network", [{"type": "UNet", **UNET}, {"type": "DiT", **DIT}], ids=["UNet", "DiT"])
@pytest.mark.parametrize("channels", [5, 16, 32])
def test_a_flow_tells_it_the_class(network: dict, channels: int) -> None:
    flow = MODELS.build(
        {
            "type": "CouplingFlow",
            "encoder": {"type": "Haar", "factor": 2},
            "coupling": {"type": "Independent"},
            "conditions": [{"type": "ClassLabel", "classes": 3, "channels": channels}],
            "network": network,
            "sampling": {"num_intervals": 1},
        }
    )
    randomize(flow)
    one, other = (
        flow.generate((8, 8), torch.tensor([7, 7]), given={"label": torch.tensor(label)}).latent
        for label in ([2, 2], [0, 2])
    )
    assert torch.allclose(one[0], one[1], atol=1e-6)
    assert torch.equal(other[1], one[1])
    assert (other[0] - one[0]).abs().max() > 1e-4


NETWORKS.import_from_location()
OWN = sorted(name for name, cls in NETWORKS.module_dict.items() if cls.__module__.startswith("cfmrestore."))
CASES = [(name, keys) for name in OWN for keys in CONTRACT.cases_of(name)]


@pytest.mark.parametrize("check", CONTRACT.checks)
@pytest.mark.parametrize(("name", "keys"), CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
def test_contract(name: str, keys: dict, check: Callable[[nn.Module], object]) -> None:
    check(CONTRACT.make(name, keys))


def test_every_case_that_can_be_checked_is() -> None:
    """Something has a reach, something is a flow map."""
    built = [CONTRACT.make(name, keys) for name, keys in CASES]
    assert any(check_reach(network) is None for network in built)
    assert any(check_duration(network) is None for network in built)


class Plain(Network):
    """A convolution of all that it is told, as someone's first network may be."""

    def __init__(self, *, channels: int, context_channels: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels + context_channels, channels, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
        return self.conv(torch.cat([x, context], dim=1)) * (1 + t[:, None, None, None])


class Keywordless(Plain):
    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x


class Shrinking(Plain):
    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
        return super().forward(x, t, context)[..., ::2]


class Centered(Plain):
    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
        v = super().forward(x, t, context)
        return v - v.mean(dim=0)


class Timeless(Plain):
    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
        return super().forward(x, 0 * t, context)


class Idle(Plain):
    def __init__(self, *, channels: int, context_channels: int = 0) -> None:
        super().__init__(channels=channels, context_channels=context_channels)
        self.unused = nn.Linear(1, 1)


class Strided(Plain):
    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
        return super().forward(x.as_strided(x.shape, torch.empty(x.shape).stride()), t, context)


class Restless(Plain):
    flow_map = True

    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None, duration: Tensor | None = None) -> Tensor:
        return super().forward(x, t if duration is None else t + duration + 0.1, context)


class Nearsighted(Plain):
    reach = 0


class Formula:
    """No torch.nn.Module."""


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (check_keywords, Keywordless), (check_shapes, Shrinking), (check_images_are_independent, Centered),
        (check_all_that_it_is_told_matters, Timeless), (check_gradients, Idle), (check_channels_last, Strided),
        (check_duration, Restless), (check_reach, Nearsighted),
    ],
)  # fmt: skip
def test_contract_rejects_its_mutants(check: Callable[[nn.Module], object], mutant: type[Plain]) -> None:
    check(build(Plain, {}))
    with pytest.raises(ContractError):
        check(build(mutant, {}))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Keywordless, "Keywordless breaks the contract of a network .* forward takes no context"),
        (Shrinking, r"Shrinking breaks the contract of a network .* of x \(1, 12, 8, 8\) it makes v \(1, 12, 8, 4\)"),
        (Formula, "Formula breaks the contract of a network .* it is no torch.nn.Module"),
    ],
)
def test_a_flow_names_the_contract_that_its_network_breaks(network: type, message: str) -> None:
    config = config_of(network={"type": network})
    with pytest.raises(ContractError, match=message):
        MODELS.build(config).restore(torch.rand(1, 3, 4, 4), torch.tensor([0]))
