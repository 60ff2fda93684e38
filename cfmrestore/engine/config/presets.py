"""Degradations by name: the files of configs/degradations."""

import re
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from cfmrestore.configs_folder import configs_folder, first_sentence
from cfmrestore.degradations.base import Degradation
from cfmrestore.engine.config.files import find_config, read_file, resolve
from cfmrestore.registry import DEGRADATIONS, load_plugins
from cfmrestore.suggestions import nearest


class Preset:
    """What makes the target of a photograph, and the low-quality image of the target, of a recipe of ``resolved``."""

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        self.scale: float = recipe["scale"]
        self.target: Degradation[Any] = DEGRADATIONS.build({"type": "Compose", "steps": recipe["target"]})
        self.degradation: Degradation[Any] = DEGRADATIONS.build({"type": "Compose", "steps": recipe["degradation"]})


def names() -> list[str]:
    """The presets that the project ships."""
    return sorted(path.stem for path in (configs_folder() / "degradations").glob("*.py"))


def about() -> dict[str, str]:
    """What each is, by its name: the first sentence of its file."""
    return {name: first_sentence(configs_folder() / "degradations" / f"{name}.py") for name in names()}


def read(name: str) -> Config:
    """The file of a preset, by its name or its path, unresolved."""
    path = find_config(name) if name.endswith(".py") else configs_folder() / "degradations" / f"{name}.py"
    if not path.is_file():
        raise ValueError(f"there is no degradation preset {name!r}; {nearest(name, names())}")
    preset = read_file(path)
    if not isinstance(preset.get("degradation"), list) or not isinstance(preset.get("scale"), int | float):
        raise ValueError(f"{path} is no preset: it needs a list 'degradation' and a number 'scale'")
    return preset


def load_preset(name: str, scale: float | None = None) -> Preset:
    """The operators of a preset, whose name may end with its scale: ``bicubic_x2``."""
    load_plugins()
    return Preset(resolved(name, scale))


def resolved(name: str, scale: float | None = None) -> dict[str, Any]:
    """The scale, the target's steps and the steps of a preset; one without "${scale}" takes no other than its own."""
    name, scale = _split(name, scale)
    preset = read(name)
    if scale is not None and not _scales(preset) and scale != preset.scale:
        raise ValueError(f"the preset {name!r} works at scale {preset.scale} alone; got {scale}")
    scale = preset.scale if scale is None else scale
    if not scale > 0:
        raise ValueError(f"scale must be positive; got {scale}")
    steps = {"target": preset.get("target", []), "degradation": preset.degradation}
    return {"scale": scale, **resolve(steps, {"scale": scale})}


def _split(name: str, scale: float | None) -> tuple[str, float | None]:
    """A name and its scale, of ``bicubic_x2`` too; ``camera_or_web_x2`` is a name itself."""
    if name in names() or not (match := re.fullmatch(r"(.+)_x(\d+(?:\.\d+)?)", name)):
        return name, scale
    told = float(match[2])
    if scale is not None and scale != told:
        raise ValueError(f"{name!r} says another scale than {scale:g}: name {match[1]!r}")
    return match[1], told


def _scales(preset: Config) -> bool:
    return "${scale}" in str(preset.degradation)


def insert(cfg: Config) -> None:
    """Replace names of presets in a training config by their steps; one of a fixed scale sets the config's."""
    if isinstance(cfg.get("mask"), str):
        cfg.mask = read(cfg.mask).degradation[0]
    if not isinstance(cfg.get("degradation"), str):
        return
    preset = read(cfg.degradation)
    if not _scales(preset):
        cfg.scale = preset.scale
    cfg.degradation, cfg.target = preset.degradation, preset.get("target", [])
