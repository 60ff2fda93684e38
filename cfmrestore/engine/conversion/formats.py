"""The formats of other projects, each with the flow that its weights were trained for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from cfmrestore.engine.conversion.state import Contents, fmboost_state, fmboost_trainer, plain_state
from cfmrestore.networks.convert import (
    Layout,
    NotThisNetworkError,
    ddpm_unet_layout,
    diffusers_unet_layout,
    dit_layout,
    edm_unet_layout,
    guided_unet_layout,
)
from cfmrestore.networks.diffusers_folder import prediction_of, schedule_of
from cfmrestore.ops.diffusion_schedule import Schedule

_VAE = {"type": "AutoencoderKL", "scale": 0.18215, "shift": 0.0}
_DOWNSCALE = 8  # of that autoencoder
_TRAINED_WITH = {
    "LFM": {"path": "stabilityai/sd-vae-ft-mse", "posterior": "sample"},
    "DiT": {"path": "stabilityai/sd-vae-ft-mse", "posterior": "sample"},
    "SiT": {"path": "stabilityai/sd-vae-ft-mse", "posterior": "sample"},
    "FMBoost": {"path": "data/weights/sd15-vae"},
}
_ADM_HEAD = 64  # channels of a head in ADM's networks of one data set
_DROPOUT = 0.1  # of labels, in all that were trained without them too


@dataclass(frozen=True)
class Choices:
    """What a person may choose of a conversion; as for ``convert``."""

    weights: str | None = None
    encoder: str | Mapping[str, Any] | None = None
    image_size: int | None = None
    heads: int | None = None
    schedule: str | None = None
    prediction: str | None = None


@dataclass(frozen=True)
class Foreign:
    """The weights of a flow, and its config."""

    weights: dict[str, Tensor]
    model: dict[str, Any]


def read_lfm(contents: Contents, choices: Choices) -> Foreign:
    """LFM: its transformer, EDM's port of ADM, or guided diffusion's U-Net, told by the names of their tensors.

    Its time runs from the data to the noise (``ReversedTime``), and its path keeps 1e-5 of the noise.
    """
    state = plain_state(contents, choices.weights)
    if "map_layer0.weight" in state:
        if choices.heads is not None:
            raise ValueError("heads of EDM's ADM have 64 channels each: leave heads out")
        layout = edm_unet_layout(state, "LFM")
    elif "time_embed.0.weight" in state:
        layout = guided_unet_layout(state, "LFM", heads=choices.heads or 4)
    else:
        layout = dit_layout(state, "LFM", choices.heads)
    return _generator(
        layout,
        state,
        choices,
        path={"type": "Linear", "sigma_min": 1e-5},
        network={"type": "ReversedTime"},
        sampling={"solver": {"type": "DoPri5", "atol": 1e-5, "rtol": 1e-5}},
    )


def read_sit(contents: Contents, choices: Choices) -> Foreign:
    """SiT: its time and velocity, on the straight path, are ours."""
    state = plain_state(contents, choices.weights)
    layout = dit_layout(state, "SiT", choices.heads)
    sampling = {"solver": {"type": "DoPri5", "atol": 1e-6, "rtol": 1e-3}}
    return _generator(layout, state, choices, path={"type": "Linear"}, network=None, sampling=sampling)


def read_dit(contents: Contents, choices: Choices) -> Foreign:
    """DiT: predicts the noise on the linear schedule, unless said otherwise; sampled by DDIM."""
    state = plain_state(contents, choices.weights)
    layout = dit_layout(state, "DiT", choices.heads)
    return _diffusion(layout, state, choices, "linear", "noise")


def read_ddpm(contents: Contents, choices: Choices) -> Foreign:
    """DDPM's ports to PyTorch (CelebA-HQ, LSUN): noise of pixels on the linear schedule."""
    if choices.heads is not None:
        raise ValueError("the attention of DDPM has one head: leave heads out")
    state = plain_state(contents, choices.weights)
    return _diffusion(ddpm_unet_layout(state), state, choices, "linear", "noise")


def read_adm(contents: Contents, choices: Choices) -> Foreign:
    """Guided diffusion's networks of pixels, improved DDPM's too: noise on the linear schedule, or another."""
    state = plain_state(contents, choices.weights)
    head_dim = _ADM_HEAD if choices.heads is None else None
    layout = guided_unet_layout(state, "ADM", heads=choices.heads, head_dim=head_dim)
    return _diffusion(layout, state, choices, "linear", "noise")


def read_diffusers(contents: Contents, choices: Choices) -> Foreign:
    """A folder of diffusers with a ``UNet2DModel``, and the schedule that lies there."""
    if choices.heads is not None or choices.weights is not None:
        raise ValueError("a folder of diffusers holds one set of weights and says its heads: leave both out")
    if contents["scheduler"] is None:
        raise ValueError("there is no scheduler_config.json in the folder, which says what was trained")
    config, state = contents["config"], contents["state_dict"]
    side = config.get("sample_size")
    if choices.image_size is None and isinstance(side, int):
        choices = replace(choices, image_size=side)
    layout = diffusers_unet_layout(state, config)
    return _diffusion(layout, state, choices, schedule_of(contents["scheduler"]), prediction_of(contents["scheduler"]))


def _diffusion(
    layout: Layout, state: Mapping[str, Tensor], choices: Choices, schedule: Schedule, prediction: str
) -> Foreign:
    """A diffusion model on the path on which Euler's method is DDIM."""
    schedule, prediction = choices.schedule or schedule, choices.prediction or prediction
    return _generator(
        layout,
        state,
        choices,
        path={"type": "StraightDiffusion", "schedule": schedule},
        network={"type": "DiffusionVelocity", "prediction": prediction, "schedule": schedule},
        sampling={
            "solver": {"type": "Euler"}, "grid": {"type": "DiffusionGrid", "schedule": schedule}, "num_intervals": 50
        },
    )  # fmt: skip


def read_fmboost(contents: Contents, choices: Choices) -> Foreign:
    """FMBoost: a Lightning checkpoint of its trainer, whose settings are read where the file has them."""
    if choices.image_size is not None:
        raise ValueError("FMBoost restores images of any size: leave image_size out")
    trainer = fmboost_trainer(contents)
    heads = choices.heads or trainer.heads
    state = fmboost_state(contents, choices.weights)
    layout = guided_unet_layout(state, "FMBoost", heads=heads, attention_layout="fmboost")
    if layout.context_channels not in (0, layout.channels):
        raise NotThisNetworkError(f"a context of {layout.context_channels} channels is unknown of FMBoost")
    model = {
        "scale": trainer.scale,
        "coupling": trainer.coupling,
        "conditions": [{"type": "LowRes"}] if layout.context_channels else [],
        "path": trainer.path,
        "network": layout.network,
        "sampling": {"solver": {"type": "Euler"}, "grid": {"type": "UniformGrid"}, "num_intervals": 40},
    }
    return _flow(layout, state, choices, model, "network.")


def _generator(
    layout: Layout,
    state: Mapping[str, Tensor],
    choices: Choices,
    *,
    path: dict[str, Any],
    network: dict[str, Any] | None,
    sampling: dict[str, Any],
) -> Foreign:
    """A flow from noise to images, of classes where the weights know some."""
    if layout.context_channels:
        raise NotThisNetworkError(
            f"a {layout.project} that is told {layout.context_channels} channels beside x has no converter"
        )
    labels = []
    if layout.classes is not None:
        rows = layout.shapes["table.weight"]
        dropout = _DROPOUT if layout.null_class else 0.0
        labels = [{"type": "ClassLabel", "classes": layout.classes, "channels": rows[1], "dropout": dropout}]
    model = {
        "scale": 1,
        "image_size": choices.image_size or (256 if layout.side is None else _DOWNSCALE * layout.side),
        "coupling": {"type": "Independent"},
        "conditions": labels,
        "path": path,
        "network": layout.network if network is None else {**network, "network": layout.network},
        "sampling": sampling,
    }
    return _flow(layout, state, choices, model, "network." if network is None else "network.network.")


def _flow(layout: Layout, state: Mapping[str, Tensor], choices: Choices, model: dict[str, Any], prefix: str) -> Foreign:
    """The flow with our names of its weights."""
    ours = layout.read(state)
    table = {"table.weight": "conditions.ClassLabel.table.weight"}
    weights = {table.get(name, prefix + name): value for name, value in ours.items()}
    encoder = choices.encoder
    if not isinstance(encoder, Mapping):
        own = _TRAINED_WITH.get(layout.project, {})
        own = own if encoder is None else {**{k: v for k, v in own.items() if k == "posterior"}, "path": str(encoder)}
        encoder = {**_VAE, **own} if own else {"type": "Identity"}
    return Foreign(weights, {"type": "CouplingFlow", "encoder": dict(encoder), **model})
