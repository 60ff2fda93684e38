"""Every registry of the toolkit: a class decorated here can be named in a config by its class name.

A registry names the folders of its plugins and imports them at the first look-up. What an installed package offers
under the entry point group ``cfmrestore.plugins``, and what ``--plugin`` named where this process was started, is
imported when a name is not found here.
"""

import inspect
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from mmengine import registry as mm
from mmengine.registry import Registry, build_from_cfg

from cfmrestore.former_names import MOVED, plugin_name, update_keys
from cfmrestore.plugins import import_named_plugins, is_imported
from cfmrestore.suggestions import nearest

PLUGIN_GROUP = "cfmrestore.plugins"
REGISTRIES: "dict[str, PluginRegistry]" = {}
OWN_PLUGINS = "(one of your own: name its module, --plugin MODULE)"
"""The end of an error message about a plugin that is not registered."""


class UnknownKeyError(ValueError):
    """A key that the constructor of a plugin does not take, and where in a config it stands."""

    key: str
    place: str


@cache
def load_plugins() -> None:
    """Import what installed packages offer as plugins, and what the run was given, once a process."""
    import_named_plugins()
    for entry in entry_points(group=PLUGIN_GROUP):
        try:
            if not is_imported(entry.module):
                entry.load()
        except Exception as error:
            mend = ": leave --plugin out, or uninstall the package" if "already registered" in str(error) else ""
            raise ValueError(f"plugin {entry.name!r} ({entry.value}) cannot be imported: {error}{mend}") from error


def check_keys(cls: Any, keys: Iterable[str], where: str = "") -> None:
    """Refuse keys that the constructor of a plugin does not take."""
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    moved = MOVED.get(cls.__name__, ())
    for key in keys:
        if key not in parameters and key not in moved and key not in ("type", "_scope_"):
            error = UnknownKeyError(f"{where}{cls.__name__} has no key {key!r}; {nearest(key, parameters)}")
            error.key, error.place = key, where.removesuffix(": ")
            raise error


def build_plugin(cfg: Any, registry: Registry, default_args: dict[str, Any] | None = None) -> Any:
    """Build ``dict(type=name, **keys)``; an object that is built already is returned as it is.

    ``default_args`` are offers: a constructor gets those that it names, unless the config says otherwise.
    """
    if not isinstance(cfg, dict):
        return cfg
    cls = find_class(cfg, registry)
    cfg = update_keys(cfg, cls.__name__)
    check_keys(cls, cfg)
    parameters = inspect.signature(cls).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    offers = {k: v for k, v in (default_args or {}).items() if open_ended or k in parameters}
    required = [
        n for n, p in parameters.items() if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if missing := [name for name in required if name not in cfg and name not in offers]:
        raise ValueError(f"{cls.__name__} needs {', '.join(map(repr, missing))}")
    try:
        return build_from_cfg(cfg, registry, offers)
    except TypeError as error:
        given = {key: value for key, value in cfg.items() if key != "type"}
        raise ValueError(f"{cls.__name__} cannot be built from {given}: {error}") from error


def find_class(cfg: dict[str, Any], registry: Registry) -> Any:
    """The class that a config names."""
    kind = cfg.get("type")
    if kind is None:
        raise ValueError(f"a {registry.name} needs a 'type'; got {dict(cfg)}")
    if not isinstance(kind, str):
        return kind
    if "_scope_" in cfg and registry.parent is None:
        raise ValueError(f"a {registry.name} has no '_scope_': its names are registered here")
    cls = registry.get(kind)
    if cls is None:
        raise ValueError(f"unknown {registry.name} {kind!r}; {nearest(kind, registry.module_dict)} {OWN_PLUGINS}")
    return cls


class PluginRegistry(Registry):
    """A registry that looks into installed packages before it gives a name up."""

    def __init__(self, name: str, *folders: str, parent: Registry | None = None) -> None:
        places = [f"cfmrestore.{folder}" for folder in folders]
        super().__init__(name, build_func=build_plugin, parent=parent, scope="cfmrestore", locations=places)
        REGISTRIES[name] = self

    def get(self, key: str) -> Any:
        """The class of that name, here or with the parent.

        mmengine's own look-up imports whatever a dotted name leads to, ``os.system`` too; names of what stands in files
        from strangers (degradations in sidecars, encoders in checkpoints) must be registered.
        """
        key = plugin_name(key)
        found = self._registered(key)
        if found is None:
            load_plugins()
            found = self._registered(key)
        return found

    def _registered(self, key: str) -> Any:
        self.import_from_location()
        if key in self.module_dict or self.parent is None:
            return self.module_dict.get(key)
        self.parent.import_from_location()  # not its ``get``, which imports dotted names too
        return self.parent.module_dict.get(key.removeprefix("mmengine."))


# Encoders: the space in which the flow runs.
ENCODERS = PluginRegistry("encoder", "encoders")
# Degradations: what made the low-quality image.
DEGRADATIONS = PluginRegistry("degradation", "degradations")
# Conditions: what a network is told beside x and t.
CONDITIONS = PluginRegistry("condition", "conditions")
# Couplings: which start belongs to which end.
COUPLINGS = PluginRegistry("coupling", "couplings")
# Probability paths: the curve between start and end.
PATHS = PluginRegistry("path", "paths")
# Networks, which predict the velocity.
NETWORKS = PluginRegistry("network", "networks")
# Feature extractors, in whose space sets of images and losses compare.
FEATURES = PluginRegistry("feature extractor", "features")
# ODE and SDE solvers, and their time grids.
SOLVERS = PluginRegistry("solver", "solvers")
GRIDS = PluginRegistry("grid", "solvers.grids")
# Solvers of inverse problems, with a trained flow as prior.
INVERSE_SOLVERS = PluginRegistry("inverse problem solver", "inverse")
# Distributions of training times, and loss functions.
TIME_SAMPLERS = PluginRegistry("time sampler", "flows.times")
LOSSES = PluginRegistry("loss", "flows.losses")

# Kinds that mmengine knows: what is not found here is looked up there.
MODELS = PluginRegistry("model", "flows", "autoencoders", parent=mm.MODELS)
DATASETS = PluginRegistry("dataset", "datasets", parent=mm.DATASETS)
DATA_SAMPLERS = PluginRegistry("data sampler", "datasets", parent=mm.DATA_SAMPLERS)
TRANSFORMS = PluginRegistry("transform", "datasets.transforms", parent=mm.TRANSFORMS)
METRICS = PluginRegistry("metric", "evaluation.metrics", parent=mm.METRICS)
RUNNERS = PluginRegistry("runner", "engine.runner", parent=mm.RUNNERS)
LOOPS = PluginRegistry("loop", "engine.loops", parent=mm.LOOPS)
HOOKS = PluginRegistry("hook", "engine.hooks", parent=mm.HOOKS)
OPTIM_WRAPPERS = PluginRegistry("optimizer wrapper", "engine.amp_optim_wrapper", parent=mm.OPTIM_WRAPPERS)
VISBACKENDS = PluginRegistry("visualization backend", "engine.trackers", parent=mm.VISBACKENDS)

# Kinds of mmengine's to which nothing is added here, so that its names are found from this scope too.
_INHERITED = [
    Registry(parent.name, parent=parent, scope="cfmrestore")
    for parent in (
        mm.EVALUATOR, mm.FUNCTIONS, mm.LOG_PROCESSORS, mm.MODEL_WRAPPERS, mm.OPTIM_WRAPPER_CONSTRUCTORS, mm.OPTIMIZERS,
        mm.PARAM_SCHEDULERS, mm.VISUALIZERS, mm.WEIGHT_INITIALIZERS,
    )
]  # fmt: skip
