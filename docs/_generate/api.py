"""The public names of the package, and the base classes that plugins derive from."""

import inspect

import cfmrestore
from cfmrestore.contracts import CONTRACTS
from cfmrestore.registry import REGISTRIES

CLASSES = ("restore.Restorer", "restore.Samples", "restore.Sampler", "restore.ZeroShotRestorer", "restore.Settings",
           "flows.CouplingFlow", "flows.Sampling", "execution.Execution")  # fmt: skip
FUNCTIONS = ("apis.train.train", "apis.test.evaluate_checkpoint", "apis.evaluate.evaluate_folders",
             "engine.config.load.load_config")  # fmt: skip


def title(text: str, mark: str = "=") -> str:
    return f"{text}\n{mark * len(text)}\n\n"


def api_page() -> str:
    """One page: classes, functions, registries, base classes."""
    parts = [title("API"), *(_entry("autoclass", name) for name in CLASSES)]
    parts += [title("Functions", "-"), *(_entry("autofunction", name) for name in FUNCTIONS)]
    parts += [title("Registries", "-"), "Each is imported from ``cfmrestore``, or from ``cfmrestore.registry``.\n\n"]
    known = {id(registry): kind for kind, registry in REGISTRIES.items()}
    for name in sorted(cfmrestore.__all__):
        if (kind := known.get(id(getattr(cfmrestore, name)))) is not None:
            parts.append(f"- ``{name}``: :doc:`{kind} <configs/{kind.replace(' ', '_')}>`\n")
    return "".join([*parts, "\n", title("Base classes of plugins", "-"), *_bases()])


def _entry(directive: str, name: str) -> str:
    """A class or function, headed by how it is imported."""
    module, _, own = f"cfmrestore.{name}".rpartition(".")
    members = "   :members:\n" if directive == "autoclass" else ""
    return f"``from {module} import {own}``\n\n.. {directive}:: {module}.{own}\n{members}\n"


def _bases() -> list[str]:
    """The base class of each kind, where it is of this package."""
    bases = [base for one in CONTRACTS.values() for base in (one.base if isinstance(one.base, tuple) else (one.base,))]
    own = {base: None for base in bases if inspect.isclass(base) and base.__module__.startswith("cfmrestore.")}
    names = [f"{base.__module__}.{base.__qualname__}".removeprefix("cfmrestore.") for base in own]
    return [_entry("autoclass", name) for name in names]
