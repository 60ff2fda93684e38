"""Degradations by name: the files of configs/degradations."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.apis.files import read_file, resolve
from cfmrestore.degradations.base import Degradation
from cfmrestore.registry import DEGRADATIONS, load_plugins, nearest

FOLDER = Path(__file__).parents[2] / "configs" / "degradations"


def names() -> list[str]:
    """The presets that the project ships."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def read(name: str) -> Config:
    """The file of a preset, by its name or its path, unresolved."""
    path = Path(name) if name.endswith(".py") else FOLDER / f"{name}.py"
    if not path.is_file():
        raise ValueError(f"there is no degradation preset {name!r}; {nearest(name, names())}")
    preset = read_file(path)
    if not isinstance(preset.get("degradation"), list) or not isinstance(preset.get("scale"), int | float):
        raise ValueError(f"{path} is no preset: it needs a list 'degradation' and a number 'scale'")
    return preset


def load(name: str, scale: float | None = None) -> tuple[Degradation[Any], dict[str, Any]]:
    """The operator of a preset, and the config that it was built from."""
    load_plugins()
    cfg = resolved(name, scale)
    return DEGRADATIONS.build({"type": "Compose", "steps": cfg["degradation"]}), cfg


def resolved(name: str, scale: float | None = None) -> dict[str, Any]:
    """The scale and the steps of a preset; one that shrinks nothing takes no other scale than 1."""
    preset = read(name)
    scaling = "${scale}" in str(preset.degradation)
    if scale is not None and not scaling and scale != preset.scale:
        raise ValueError(f"the preset {name!r} works at scale {preset.scale} alone; got {scale}")
    scale = preset.scale if scale is None else scale
    if not scale > 0:
        raise ValueError(f"scale must be positive; got {scale}")
    return {"scale": scale, "degradation": resolve(preset.degradation, {"scale": scale})}


def insert(cfg: Config) -> None:
    """Replace the name of a preset in a training config by its steps; one that shrinks nothing sets the scale."""
    preset = read(cfg.degradation)
    if "${scale}" not in str(preset.degradation):
        cfg.scale = preset.scale
    cfg.degradation = preset.degradation
