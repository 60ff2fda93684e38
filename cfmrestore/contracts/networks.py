"""Contract of networks: a velocity of the shape of x, image by image, in which all that is told matters."""

import copy
import inspect
from typing import Any

import torch
from torch import Tensor, nn

from cfmrestore.contracts.base import Contract, Keys, close, randomize, require, shape
from cfmrestore.contracts.couplings import NETWORK
from cfmrestore.networks.base import TOLD, check_conditioning
from cfmrestore.paths.linear import Linear
from cfmrestore.registry import NETWORKS, build_plugin

CHANNELS = 4
SIZES: Keys = {"context_channels": 4, "embedding_channels": 3, "noise_level": True}
UNET = {**NETWORK, "attention_factors": (2,), "head_dim": 4}
DIT: Keys = {"type": "DiT", "width": 16, "depth": 2, "heads": 2, "input_size": 8}
_MODERN = {"modulation": "single", "qk_norm": True, "norm": "rms", "position": "rope", "time_scale": 1000.0}
_UNET_2D = {
    "block_out_channels": [8, 16], "down_block_types": ["DownBlock2D", "AttnDownBlock2D"], "layers_per_block": 1,
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"], "norm_num_groups": 4, "attention_head_dim": 4,
    "in_channels": 8, "out_channels": 4,
}  # fmt: skip


def build(cls: type, keys: Keys) -> nn.Module:
    """Told all that its constructor can be told; its weights are random, so that nothing in it is zero."""
    own = {"channels": CHANNELS, **SIZES}
    own |= {key: value for key, value in keys.items() if key in own}
    keys = {key: value for key, value in keys.items() if key not in own}
    network: nn.Module = build_plugin({**keys, "type": cls}, NETWORKS, {"path": Linear(), **own})
    if isinstance(network, nn.Module):
        randomize(network)
        network.eval()
        known = inspect.signature(cls).parameters
        network.offered = {k: v for k, v in own.items() if k in known and v}  # type: ignore[assignment]
    return network


def offered(network: nn.Module) -> Keys:
    """What its constructor was offered of all that a network can be told, and named."""
    found: Keys = getattr(network, "offered", {})
    return {key: value for key, value in found.items() if key in TOLD}


def inputs(network: nn.Module, batch: int = 2, size: tuple[int, int] = (8, 12)) -> tuple[Tensor, Tensor]:
    """Points and times."""
    generator = torch.Generator().manual_seed(0)
    channels: int = getattr(network, "offered", {}).get("channels", CHANNELS)
    return torch.randn(batch, channels, *size, generator=generator), torch.rand(batch, generator=generator)


def told(network: nn.Module, x: Tensor, t: Tensor) -> dict[str, Tensor]:
    """What its constructor says that it is told, of these points."""
    generator = torch.Generator().manual_seed(1)
    own = offered(network)
    context = torch.randn(len(x), own.get("context_channels", 0), *x.shape[2:], generator=generator)
    embedding = torch.randn(len(x), own.get("embedding_channels", 0), generator=generator)
    everything = {"context": context, "embedding": embedding, "noise_level": t / 2}
    return {TOLD[key]: everything[TOLD[key]] for key in own}


def check_keywords(network: nn.Module) -> str | None:
    """forward takes as keywords what the constructor was offered, and a duration where it is a flow map."""
    check_conditioning(network, offered(network))
    if "context_channels" in offered(network):
        return None
    return "the constructor names no context_channels: flows that tell an input, all that restore, refuse it"


def check_shapes(network: nn.Module) -> None:
    """A latent of any size becomes a finite velocity of its shape."""
    for size in ((8, 12), (7, 13), (1, 1)):
        x, t = inputs(network, size=size)
        v = network(x, t, **told(network, x, t))
        require(v.shape == x.shape, f"of x {shape(x)} it makes v {shape(v)}: pad inside, and crop")
        require(v.isfinite().all(), f"v of x {shape(x)} is not finite")
        require(v.dtype == x.dtype, f"v of x in {x.dtype} is {v.dtype}: return the type of x")


def check_images_are_independent(network: nn.Module) -> None:
    """The velocity of an image does not depend on its batch."""
    norms = [name for name, part in network.named_modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    require(not norms, f"{', '.join(norms[:3])} normalizes by the batch in training: take GroupNorm")
    x, t = inputs(network, batch=3)
    kwargs = told(network, x, t)
    alone = network(x[1:2], t[1:2], **{key: value[1:2] for key, value in kwargs.items()})
    require(
        close(network(x, t, **kwargs)[1:2], alone), "v of an image is another alone: take no statistics of the batch"
    )


def check_all_that_it_is_told_matters(network: nn.Module) -> None:
    """Another x, time, context, embedding or noise level of an image gives it another velocity."""
    x, t = inputs(network)
    given = {"x": x, "t": t, **told(network, x, t)}
    base = network(**given)
    for name, value in given.items():
        other = network(**{**given, name: value + 0.5})
        require(
            (other - base).abs().amax((1, 2, 3)).min() > 1e-6,
            f"another {name} gives the same v: use it"
            + ("" if name in "xt" else ", or leave its parameter out of the constructor"),
        )


def check_gradients(network: nn.Module) -> None:
    """All weights get a gradient."""
    network = copy.deepcopy(network)
    x, t = inputs(network)
    duration = {"duration": 1 - t} if getattr(network, "flow_map", False) else {}
    network(x, t, **told(network, x, t), **duration).square().mean().backward()
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    missed = [name for name, p in trained.items() if p.grad is None or not p.grad.any()]
    require(not missed, f"no gradient reaches {', '.join(missed[:5])}: a run on several devices would stop there")


def check_channels_last(network: nn.Module) -> None:
    """The layout channels_last gives the same."""
    x, t = inputs(network)
    kwargs = told(network, x, t)
    expected = network(x, t, **kwargs)
    other = copy.deepcopy(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    laid_out = {k: v.contiguous(memory_format=torch.channels_last) if v.dim() == 4 else v for k, v in kwargs.items()}
    found = other(x.contiguous(memory_format=torch.channels_last), t, **laid_out)
    require(close(found, expected), "channels_last gives another v: do not rely on strides (view; take reshape)")


def check_duration(network: nn.Module) -> str | None:
    """Where flow_map is True: with a duration of 0 it is the velocity, bit for bit."""
    if not getattr(network, "flow_map", False):
        return "flow_map is False"
    x, t = inputs(network)
    kwargs = told(network, x, t)
    still, moved = (network(x, t, **kwargs, duration=h * torch.ones_like(t)) for h in (0.0, 0.5))
    require(torch.equal(still, network(x, t, **kwargs)), "with a duration of 0 it is not the velocity")
    require((moved - still).abs().max() > 1e-6, "another duration gives the same u")
    return None


def check_reach(network: nn.Module) -> str | None:
    """Where reach says a distance: nothing that is farther away matters."""
    reach = getattr(network, "reach", None)
    if reach is None:
        return "reach is None: it sees far, and tiles overlap more"
    multiple = int(getattr(network, "multiple", 1))
    far = multiple + reach  # from all of the first tile that begins there
    for dim, size in ((-1, (multiple, far + multiple)), (-2, (far + multiple, multiple))):
        x, t = inputs(network, size=size)
        kwargs = told(network, x, t)
        other: Any = x.clone()
        other.narrow(dim, far, multiple).add_(1)
        near, moved = (network(one, t, **kwargs).narrow(dim, 0, multiple) for one in (x, other))
        require(close(near, moved), f"a sample {far} away matters, and reach says {reach}")
    return None


CONTRACT = Contract(
    NETWORKS,
    nn.Module,
    (
        check_keywords, check_shapes, check_images_are_independent, check_all_that_it_is_told_matters, check_gradients,
        check_channels_last, check_duration, check_reach,
    ),
    build=build,
    cases={
        "UNet": [
            {key: value for key, value in one.items() if key != "type"}
            for one in (UNET, {**UNET, "flow_map": True, "input_skip": True}, {**UNET, "attention_layout": "fmboost"})
        ],
        "DiT": [
            {**DIT, **one, "type": "DiT"}
            for one in (
                {},
                {"flow_map": True},
                {**_MODERN, "attention": "window", "window": 4},
                {**_MODERN, "attention": "linear", "mlp": "conv", "patch": 1},
            )
        ],
        "ReversedTime": [{"network": UNET}, {"network": {**UNET, "flow_map": True}}],
        "DiffusionVelocity": [{"network": UNET}, {"network": {**UNET, "flow_map": True}}],
        "DiffusersUNet2D": [
            {"config": _UNET_2D, "noise_level": False, "embedding_channels": width, "flow_map": width == 0}
            for width in (32, 0)
        ],
    },
    unchecked="forward-mode derivatives, which the loss MeanFlow asks for, and how well it learns",
)  # fmt: skip
