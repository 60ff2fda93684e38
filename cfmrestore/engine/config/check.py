"""Checking a config: one clear error for anything in it that nothing would read."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import mmengine.runner  # noqa: F401 - fills mmengine's registries
from mmengine import registry as mm
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import Registry
from torch.utils.data import DataLoader

from cfmrestore import registry as ours
from cfmrestore.engine.runner import RestorationRunner
from cfmrestore.engine.strategies import build_strategy
from cfmrestore.registry import OWN_PLUGINS, REGISTRIES, check_keys
from cfmrestore.suggestions import closest, nearest

_OTHER_KEYS = {
    "auto_scale_lr", "custom_imports", "find_unused_parameters", "runner_type", "strategy", "sync_bn", "trackers",
}  # fmt: skip
_OF_CONSTRUCTORS = {"constructor", "paramwise_cfg"}  # mmengine's, which build what they stand in
_DEFAULT_HOOKS = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")  # mmengine's
_OF_LOADERS = {"num_batch_per_epoch", "disable_subprocess_warning"}  # mmengine's, beside those of torch
_THEIRS = (
    mm.OPTIMIZERS, mm.OPTIM_WRAPPERS, mm.PARAM_SCHEDULERS, mm.HOOKS, mm.LOOPS, mm.DATASETS, mm.DATA_SAMPLERS,
    mm.TRANSFORMS, mm.MODELS, mm.MODEL_WRAPPERS, mm.METRICS, mm.EVALUATOR, mm.VISUALIZERS, mm.VISBACKENDS,
    mm.LOG_PROCESSORS, mm.FUNCTIONS, mm.OPTIM_WRAPPER_CONSTRUCTORS,
)  # fmt: skip
_PLACES = {
    "model": ours.MODELS, "data_preprocessor": ours.MODELS, "encoder": ours.ENCODERS, "coupling": ours.COUPLINGS,
    "conditions": ours.CONDITIONS, "mask": ours.DEGRADATIONS,
    "path": ours.PATHS, "network": ours.NETWORKS, "times": ours.TIME_SAMPLERS, "loss": ours.LOSSES,
    "solver": ours.SOLVERS, "grid": ours.GRIDS, "degradation": ours.DEGRADATIONS, "target": ours.DEGRADATIONS,
    "steps": ours.DEGRADATIONS, "step": ours.DEGRADATIONS, "dataset": ours.DATASETS, "datasets": ours.DATASETS,
    "baseline": ours.DATASETS,
    "sampler": ours.DATA_SAMPLERS, "pipeline": ours.TRANSFORMS, "train_pipeline": ours.TRANSFORMS,
    "val_evaluator": ours.METRICS, "test_evaluator": ours.METRICS, "train_cfg": ours.LOOPS, "val_cfg": ours.LOOPS,
    "test_cfg": ours.LOOPS, "custom_hooks": ours.HOOKS,
    "optim_wrapper": ours.OPTIM_WRAPPERS, "optimizer": mm.OPTIMIZERS, "param_scheduler": mm.PARAM_SCHEDULERS,
    "visualizer": mm.VISUALIZERS, "vis_backends": ours.VISBACKENDS, "log_processor": mm.LOG_PROCESSORS,
    "model_wrapper_cfg": mm.MODEL_WRAPPERS, "collate_fn": mm.FUNCTIONS,
}  # fmt: skip
"""The registry of what stands under a key, or in a list there."""


def runner_keys() -> set[str]:
    """The keys of a config that the runner reads."""
    return set(inspect.signature(RestorationRunner.__init__).parameters) - {"self", "cfg"} | _OTHER_KEYS


def check(cfg: Mapping[str, Any]) -> None:
    """Refuse names of plugins that do not exist and keys that they do not take, with the place where they stand."""
    known = runner_keys()
    for key in cfg:
        if key not in known and (match := closest(key, known, cutoff=0.8)):
            raise ValueError(f"the config has a key {key!r} that nothing reads; did you mean {match!r}?")
    for key, hook in (cfg.get("default_hooks") or {}).items():
        if isinstance(hook, Mapping) and "type" not in hook and key not in _DEFAULT_HOOKS:
            raise ValueError(f"default_hooks has no {key!r}; {nearest(key, _DEFAULT_HOOKS)}")
    strategy = build_strategy(cfg.get("strategy", "ddp"))
    for place, plugin in _plugins({key: value for key, value in cfg.items() if key != "strategy"}, ""):
        _check_plugin(place, plugin)
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        check_keys(DataLoader, (cfg.get(name) or {}).keys() - _OF_LOADERS, where=f"{name}: ")
    if cfg.get("optim_wrapper"):
        strategy.check(cfg)


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
    candidates = _named(kind, REGISTRIES.values()) or _named(kind, _THEIRS)
    if not candidates and kind.endswith("8bit"):
        raise ValueError(f"{place}: {kind} comes with bitsandbytes: pip install 'cfmrestore[bitsandbytes]'")
    if not candidates and "." not in kind:
        raise ValueError(f"{place}: there is no {kind!r}; {_suggestion(kind, place)} {OWN_PLUGINS}")
    errors = []
    for cls in candidates:
        try:
            wraps = isinstance(cls, type) and issubclass(cls, OptimWrapper | OptimWrapperDict)
            check_keys(cls, plugin.keys() - (_OF_CONSTRUCTORS if wraps else set()), where=f"{place}: ")
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


def _suggestion(kind: str, place: str) -> str:
    """What was probably meant, of the kind that the place asks for."""
    keys = [key for key in place.split(".") if not key.isdigit()]
    registry = ours.HOOKS if keys[:-1] == ["default_hooks"] else _PLACES.get(keys[-1])
    if registry is not None:
        return nearest(kind, {*registry.module_dict, *(registry.parent.module_dict if registry.parent else ())})
    match = closest(kind, {name for one in (*REGISTRIES.values(), *_THEIRS) for name in one.module_dict})
    return f"did you mean {match!r}?" if match else "no plugin has a name like it"
