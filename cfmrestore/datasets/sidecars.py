"""Sidecars of degraded images: JSON files with all that was drawn, by which a degradation is replayed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.former_names import update_names

SIDECAR_FORMAT = 2
_KEYS = {"format", "image", "seed", "epoch", "scale", "frozen", "target", "target_params", "degradation", "params"}
_KEYS |= {"source_sha256", "pixels_sha256"}


def read_sidecar(path: Path) -> dict[str, Any]:
    """A sidecar, with the keys that a replay needs."""
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is no sidecar: {error}") from error
    if not isinstance(recipe, Mapping):
        recipe = {}
    if recipe.get("format", SIDECAR_FORMAT) != SIDECAR_FORMAT:
        raise ValueError(f"{path} has format {recipe['format']}, this version reads {SIDECAR_FORMAT}")
    if missing := _KEYS - recipe.keys():
        raise ValueError(f"{path} is no sidecar: it lacks {', '.join(sorted(missing))}")
    recipe = update_names(recipe, warn=False)
    return {**recipe, "degradation": _tuples(recipe["degradation"]), "target": _tuples(recipe["target"])}


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples that configs have."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def pixel_digest(pixels: np.ndarray) -> str:
    """SHA-256 of size and values, whatever the file format."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def check_pixels(expected: str, pixels: np.ndarray, message: str) -> None:
    """Refuse pixels of another digest than a sidecar names."""
    if pixel_digest(pixels) != expected:
        raise ValueError(f"{message} (sha256 {pixel_digest(pixels)[:12]}, expected {expected[:12]})")
