"""The files of a diffusion model as diffusers saves it: config, weights and schedule."""

import json
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from cfmrestore import hub
from cfmrestore._compat import patch_torchvision

CONFIG, SCHEDULER = "config.json", "scheduler_config.json"
_NAMES = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_CURVES = {"linear": "linear", "scaled_linear": "scaled_linear", "squaredcos_cap_v2": "squared_cosine"}
_PREDICTIONS = {"epsilon": "noise", "v_prediction": "velocity", "sample": "data"}


def unet_2d_model() -> Any:
    """The class of its U-Net, which is imported only where it is needed."""
    patch_torchvision()
    return import_module("diffusers").UNet2DModel


def model_folder(folder: Path) -> Path:
    """Where the U-Net of a folder lies: in that of a pipeline it has one of its own."""
    found = folder / "unet" if (folder / "unet" / CONFIG).is_file() else folder
    if not (found / CONFIG).is_file():
        raise ValueError(f"{str(folder)!r} holds no {CONFIG}: name a folder that diffusers saved")
    return found


def weights_file(folder: Path) -> Path:
    """The weights of a model's folder, safetensors first."""
    for name in _NAMES:
        if (model_folder(folder) / name).is_file():
            return model_folder(folder) / name
    raise ValueError(f"{str(model_folder(folder))!r} holds neither {' nor '.join(_NAMES)}")


def read_config(folder: Path) -> dict[str, Any]:
    """The config of its U-Net."""
    config = _read_json(model_folder(folder) / CONFIG)
    kind = config.get("_class_name", "UNet2DModel")
    if kind != "UNet2DModel":
        raise ValueError(f"{str(folder)!r} holds a {kind}; what is read is a UNet2DModel")
    return {key: value for key, value in config.items() if not key.startswith("_")}


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The weights of its U-Net with the present names of their attention; nothing in the file is executed."""
    return {_present(name): value for name, value in hub.read_weights(weights_file(folder)).items()}


def _read_json(file: Path) -> dict[str, Any]:
    """What diffusers wrote of a part."""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{file} is no config of diffusers: it holds a {type(config).__name__}")
    return config


def _present(name: str) -> str:
    match = re.fullmatch(r"(.*\.attentions\.\d+)\.(query|key|value|proj_attn)\.(\w+)", name)
    return f"{match[1]}.{_ATTENTION[match[2]]}.{match[3]}" if match else name


def read_scheduler(folder: Path) -> dict[str, Any] | None:
    """The config of its schedule, which lies in its own folder of a pipeline, or beside the model."""
    for place in (folder / "scheduler", folder, folder.parent / "scheduler"):
        if (place / SCHEDULER).is_file():
            return _read_json(place / SCHEDULER)
    return None


def read_folder(folder: Path) -> dict[str, Any]:
    """Config, weights and schedule of a folder."""
    return {"config": read_config(folder), "state_dict": read_weights(folder), "scheduler": read_scheduler(folder)}


def schedule_of(scheduler: Mapping[str, Any]) -> dict[str, Any]:
    """The noise table of a schedule's config, as ``ops.diffusion_schedule`` has it; defaults are diffusers'."""
    curve = scheduler.get("beta_schedule", "linear")
    if curve not in _CURVES or scheduler.get("trained_betas") is not None:
        found = curve if scheduler.get("trained_betas") is None else "a list of betas"
        raise ValueError(f"a schedule of {found} is not known; known are {', '.join(_CURVES)}")
    if scheduler.get("rescale_betas_zero_snr"):
        raise ValueError("a schedule whose last step has no signal (rescale_betas_zero_snr) has no path here")
    table = {"curve": _CURVES[curve], "steps": scheduler.get("num_train_timesteps", 1000)}
    if curve == "squaredcos_cap_v2":
        return table
    return {**table, "beta_start": scheduler.get("beta_start", 1e-4), "beta_end": scheduler.get("beta_end", 0.02)}


def prediction_of(scheduler: Mapping[str, Any]) -> str:
    """What the network predicts, as ``DiffusionVelocity`` has it."""
    kind = scheduler.get("prediction_type", "epsilon")
    if kind not in _PREDICTIONS:
        raise ValueError(f"prediction_type is one of {', '.join(_PREDICTIONS)}; got {kind!r}")
    return _PREDICTIONS[kind]
