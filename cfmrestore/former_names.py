"""Former names of plugins, config keys and models: what an older config or checkpoint says is read as today's."""

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

PLUGINS = {
    "CentreCrop": "CenterCrop",
    "ColourCast": "ColorCast",
    "GeneralisedBlur": "GeneralizedBlur",
    "ImageSet": "ImageDigest",
    "KeepHook": "SaveImagesHook",
    "Quantise": "Quantize",
    "SignalHook": "PreemptionHook",
}
"""Registered class names."""

MODELS = {"cfm-realsr-x4-fast": "cfm-realsr-x4"}
"""Bundled models."""

TOLD_BY_COUPLING = ("context", "condition_on_noise", "tell_level")
"""Keys of ``LowresLatent`` and ``PosteriorMean`` that are a condition now, ``LowRes``."""

MOVED = dict.fromkeys(("LowresLatent", "PosteriorMean"), TOLD_BY_COUPLING)
"""Keys of a plugin that another plugin has now."""

KEYS: dict[str, dict[str, str]] = {
    "sampling": {"colour": "color", "noise_fades_at": "noise_contrast_limit"},
    "settings": {"colour": "color"},
    "stages": {"hands_on": "output"},
}
"""Keys of a plugin, by its present name; of a dict without a type, by the key under which it stands."""


TENSORS = {"start_network.": "coupling.network."}
"""Beginnings of the names of tensors in checkpoints."""


def update_names(value: Any, *, warn: bool = True, place: str = "") -> Any:
    """Configs (dicts and lists of them, nested) with present names in place of former ones.

    Args:
        value: What a config, a checkpoint or a sidecar says; it is left as it is.
        warn: Say each new name once: for what a person wrote, not for what a program stored.
        place: The key under which the value stands.
    """
    if isinstance(value, list | tuple):
        return type(value)(update_names(item, warn=warn, place=place) for item in value)
    if not isinstance(value, Mapping):
        return value
    updated = {key: update_names(item, warn=warn, place=str(key)) for key, item in value.items()}
    kind = updated.get("type")
    if isinstance(kind, str):
        updated["type"] = kind = plugin_name(kind, warn=warn)
    return type(value)(update_keys(updated, kind if isinstance(kind, str) else place, warn=warn))  # type: ignore[call-arg]


def update_keys(given: Mapping[str, Any], kind: str, *, warn: bool = True) -> dict[str, Any]:
    """The keys of one plugin with their present names; of both names side by side the former is the user's."""
    updated = dict(given)
    for former, present in KEYS.get(kind, {}).items():
        if former in updated:
            updated[present] = updated.pop(former)
            if warn:
                _say(former, present)
    coupling = updated.get("coupling")
    if isinstance(coupling, Mapping) and any(key in coupling for key in TOLD_BY_COUPLING):
        updated.update(_conditions_of(coupling, updated.get("conditions"), warn))
    return updated


def _conditions_of(coupling: Mapping[str, Any], conditions: Any, warn: bool) -> dict[str, Any]:
    """A coupling without what it told the network, and the conditions that tell it."""
    rest = {key: value for key, value in coupling.items() if key not in TOLD_BY_COUPLING}
    context = coupling.get("context", coupling.get("type") != "PosteriorMean")
    level = coupling.get("condition_on_noise", coupling.get("tell_level", False))
    told = {"type": "LowRes", **({} if context else {"context": False}), **({"noise_level": True} if level else {})}
    others = [one for one in conditions or [] if one.get("type") != "LowRes"]
    if warn:
        _say("coupling.context and coupling.condition_on_noise", "conditions=[dict(type='LowRes', ...)]")
    return {"coupling": rest, "conditions": [told, *others] if context or level else others}


def plugin_name(name: str, *, warn: bool = True) -> str:
    """The present name of a plugin."""
    if name in PLUGINS and warn:
        _say(name, PLUGINS[name])
    return PLUGINS.get(name, name)


def model_name(name: str) -> str:
    """The present name of a bundled model."""
    if name in MODELS:
        _say(name, MODELS[name])
    return MODELS.get(name, name)


def tensor_name(name: str) -> str:
    """The present name of a tensor in a checkpoint."""
    return next((new + name.removeprefix(old) for old, new in TENSORS.items() if name.startswith(old)), name)


@cache
def _say(former: str, present: str) -> None:
    warnings.warn(f"{former!r} is called {present!r} now", FutureWarning, stacklevel=2)
