"""The weights of a network, and the settings of its training, in checkpoints of other projects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from cfmrestore.networks.convert import NotThisNetworkError

Contents = Mapping[str, Any]
_SETS = {"ema": ("ema",), "model": ("model", "model_dict")}
_LIGHTNING = {"ema": "ema_model.ema_model.net.", "model": "model.net."}
_NO_WEIGHTS = ("first_stage.", "metric_tracker.", "ema_model.initted", "ema_model.step")  # of the network
_UPSAMPLING = {
    ("psu", "psu"): "bilinear",
    ("bilinear", "bilinear"): "latent",
    ("nearest", "nearest"): "nearest",
    ("noise_upsampling", "nearest"): "noise_filled",
}
"""Ours, of FMBoost's for the start and for the context."""


def plain_state(contents: Contents, weights: str | None) -> dict[str, Tensor]:
    """The weights of a checkpoint that has them at its top, or as "ema" and "model" (or "model_dict")."""
    state = contents["state_dict"]
    sets = {
        kind: state[name] for kind, names in _SETS.items() for name in names if isinstance(state.get(name), Mapping)
    }
    if sets:
        return _without_module(_chosen(sets, weights))
    if weights is not None:
        raise ValueError(f"the file holds one set of weights and does not say which it is: leave weights={weights} out")
    return _without_module(state)


def fmboost_state(contents: Contents, weights: str | None) -> dict[str, Tensor]:
    """The network's weights in a checkpoint of FMBoost's trainer, which holds its autoencoder and metric too."""
    state = contents["state_dict"]
    known = (*_LIGHTNING.values(), *_NO_WEIGHTS)
    if unknown := [name for name in state if not name.startswith(known)]:
        raise NotThisNetworkError(f"tensors that a checkpoint of FMBoost has not: {', '.join(unknown[:8])}")
    sets = {
        kind: {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        for kind, prefix in _LIGHTNING.items()
    }
    return _chosen({kind: found for kind, found in sets.items() if found}, weights)


def _chosen(sets: Mapping[str, Mapping[str, Tensor]], weights: str | None) -> dict[str, Tensor]:
    kind = weights or next(iter(sets), "ema")  # the moving average stands first
    if kind not in sets:
        raise ValueError(f"the file has no weights {kind!r}; it has {', '.join(sets) or 'none'}")
    return dict(sets[kind])


def _without_module(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without what distributed training puts before each name."""
    if unusable := [name for name, value in state.items() if not isinstance(value, Tensor)]:
        raise NotThisNetworkError(f"these are no weights but {', '.join(map(str, unusable[:8]))}")
    return {name.removeprefix("module."): value for name, value in state.items()}


@dataclass(frozen=True)
class Trainer:
    """What FMBoost's trainer was set to; by default its published config."""

    scale: int = 2
    heads: int = 4
    path: dict[str, Any] = field(default_factory=lambda: {"type": "Linear", "sigma_min": 0.0})
    coupling: dict[str, Any] = field(
        default_factory=lambda: {"type": "LowresLatent", "upsample": "bilinear", "noise": 400, "table": "cosine"}
    )


def fmboost_trainer(contents: Contents) -> Trainer:
    """The settings that Lightning stores with the weights, or the published ones."""
    settings = contents.get("hyper_parameters")
    if not isinstance(settings, Mapping):
        return Trainer()
    flow = settings.get("fm_cfg", {}).get("params", {})
    network = flow.get("net_cfg", {}).get("params", {})
    if network.get("use_linear_attn", True) or not network.get("use_scale_shift_norm", True):
        raise NotThisNetworkError(
            "FMBoost's linear attention, and its blocks without scales and shifts, have no converter"
        )
    low, high = settings.get("low_res_size"), settings.get("high_res_size")
    path = {"type": "GVP"} if flow.get("schedule") == "gvp" else {"type": "Linear", "sigma_min": 0.0}
    scale = high // low if low and high else Trainer.scale
    return Trainer(scale, network.get("num_heads", Trainer.heads), path, _coupling(settings))


def _coupling(settings: Mapping[str, Any]) -> dict[str, Any]:
    mode = settings.get("upsampling_mode", "bilinear")
    modes = (mode, settings.get("upsampling_mode_context") or mode)
    if modes not in _UPSAMPLING:
        raise NotThisNetworkError(f"FMBoost's upsampling of the start and the context by {modes} has no converter")
    if settings.get("start_from_noise"):
        return {"type": "Independent", "upsample": _UPSAMPLING[modes]}
    step = settings.get("noising_step", -1)
    noise = step if step > 0 else None
    return {"type": "LowresLatent", "upsample": _UPSAMPLING[modes], "noise": noise, "table": "cosine"}
