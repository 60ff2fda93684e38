"""Reading a config, with one clear error for anything in it that nothing would read."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import mmengine.runner  # noqa: F401 - fills mmengine's registries
from mmengine import registry as mm
from mmengine.config import Config
from mmengine.registry import Registry

from cfmrestore.engine import presets
from cfmrestore.engine.config_files import read_file, resolve
from cfmrestore.engine.runner import RestorationRunner
from cfmrestore.registry import REGISTRIES, check_keys, load_plugins, nearest
from cfmrestore.renamed import update_names

_OTHER_KEYS = {"auto_scale_lr", "custom_imports", "find_unused_parameters", "runner_type", "sync_bn"}
_THEIRS = (
    mm.OPTIMIZERS, mm.OPTIM_WRAPPERS, mm.PARAM_SCHEDULERS, mm.HOOKS, mm.LOOPS, mm.DATASETS, mm.DATA_SAMPLERS,
    mm.TRANSFORMS, mm.MODELS, mm.MODEL_WRAPPERS, mm.METRICS, mm.EVALUATOR, mm.VISUALIZERS, mm.VISBACKENDS,
    mm.LOG_PROCESSORS, mm.FUNCTIONS, mm.OPTIM_WRAPPER_CONSTRUCTORS,
)  # fmt: skip


def load_config(path: str | Path, options: Mapping[str, Any] | None = None, *, amp: bool = False) -> Config:
    """Read a config file, apply the options, resolve its references and check every key.

    A string ``"${name}"`` stands for the value of that key after the options were applied, so one option changes all
    places that refer to it. An option that sets a ``type`` starts that dict afresh. ``amp`` takes the optimizer wrapper
    of mixed precision, with the keys of the one that stands there.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no config {str(path)!r}")
    load_plugins()
    cfg = read_file(path)
    cfg.setdefault("default_scope", "cfmrestore")
    _apply(cfg, dict(options or {}))
    if isinstance(cfg.get("degradation"), str):
        presets.insert(cfg)
    if amp:
        cfg.optim_wrapper.type = "AmpOptimWrapper"
    resolved = update_names(resolve(cfg._cfg_dict, cfg._cfg_dict))
    check(resolved)
    return Config(resolved, filename=cfg.filename)


def runner_keys() -> set[str]:
    """The keys of a config that the runner reads."""
    return set(inspect.signature(RestorationRunner.__init__).parameters) - {"self", "cfg"} | _OTHER_KEYS


def _apply(cfg: Config, options: dict[str, Any]) -> None:
    """Merge dotted options; the first part of each must be a key that exists or that the runner reads."""
    for key in options:
        first = key.split(".")[0]
        if first not in cfg and first not in runner_keys():
            raise ValueError(f"--cfg-options: there is no key {first!r}; {nearest(first, set(cfg) | runner_keys())}")
    merge(cfg, options)


def merge(cfg: Config, options: dict[str, Any]) -> None:
    """Merge dotted options; one that sets a ``type`` starts that dict afresh."""
    for key in options:
        if key.endswith(".type"):
            _clear(cfg, key.split(".")[:-1])
    cfg.merge_from_dict(options)


def _clear(cfg: Config, parts: list[str]) -> None:
    """Empty the dict at a dotted place, if there is one."""
    place: Any = cfg._cfg_dict
    for part in parts:
        place = place[int(part)] if isinstance(place, list) else place.get(part)
        if place is None:
            return
    place.clear()


def check(cfg: Mapping[str, Any]) -> None:
    """Refuse names of plugins that do not exist and keys that they do not take, with the place where they stand."""
    known = runner_keys()
    for key in cfg:
        if key not in known and (match := get_close_matches(key, known, n=1, cutoff=0.8)):
            raise ValueError(f"the config has a key {key!r} that nothing reads; did you mean {match[0]!r}?")
    for place, plugin in _plugins(cfg, ""):
        _check_plugin(place, plugin)


def _plugins(value: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All dicts with a type, with their dotted places; what other packages name is theirs to check."""
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield place, value
        for key, one in value.items():
            if not (key == "transforms" and value.get("type") == "Albumentations"):
                yield from _plugins(one, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _plugins(one, f"{place}.{index}")


def _check_plugin(place: str, plugin: Mapping[str, Any]) -> None:
    kind = plugin["type"]
    ours = _named(kind, REGISTRIES.values())
    candidates = ours or _named(kind, _THEIRS)
    if not candidates and "." not in kind:
        names = {name for registry in (*REGISTRIES.values(), *_THEIRS) for name in registry.module_dict}
        raise ValueError(f"{place}: there is no {kind!r}; {nearest(kind, names)}")
    errors = []
    for cls in candidates:
        try:
            check_keys(cls, plugin, where=f"{place}: ")
        except ValueError as error:
            errors.append(error)
    if errors and len(errors) == len(candidates):  # one name may stand in several registries
        raise errors[0]


def _named(kind: str, registries: Iterable[Registry]) -> list[Any]:
    """The classes of that name; a look-up fills a registry first."""
    found = []
    for registry in registries:
        registry.import_from_location()
        if kind in registry.module_dict:
            found.append(registry.module_dict[kind])
    return found
