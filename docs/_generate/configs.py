"""The reference of config keys: every registered plugin of every kind, from its signature and docstring."""

import inspect

from _generate.api import title
from cfmrestore.contracts import CONTRACTS
from cfmrestore.registry import REGISTRIES

INTRODUCTION = """Every key of every plugin, by kind, as the registries know them: ``dict(type="NAME", key=value)`` in a
config, ``--cfg-options PLACE.key=value`` at a command. What a key is by default stands in the head of its plugin; one
without a default must be given, unless it is offered by what builds the plugin (:doc:`contracts </plugins>`).

.. toctree::
   :maxdepth: 1

"""


def config_pages() -> dict[str, str]:
    """A page a kind, and one that lists them."""
    kinds = {kind: _classes(kind) for kind in REGISTRIES}
    pages = {f"configs/{_file(kind)}.rst": _page(kind, classes) for kind, classes in kinds.items() if classes}
    entries = "".join(f"   {_file(kind)}\n" for kind, classes in kinds.items() if classes)
    return {**pages, "configs/index.rst": title("Config keys") + INTRODUCTION + entries}


def _file(kind: str) -> str:
    return kind.replace(" ", "_")


def _classes(kind: str) -> list[type]:
    registry = REGISTRIES[kind]
    registry.import_from_location()
    classes = {cls for cls in registry.module_dict.values() if inspect.isclass(cls)}
    return sorted((cls for cls in classes if cls.__module__.startswith("cfmrestore.")), key=lambda cls: cls.__name__)


def _page(kind: str, classes: list[type]) -> str:
    parts = [title(f"{kind.capitalize()}: keys")]
    if checks := CONTRACTS[kind].checks:
        parts.append(f"Checked by ``{checks[0].__module__.replace('.', '/')}.py``.\n\n")
    for cls in classes:
        parts += [title(cls.__name__, "-"), f".. autoclass:: {cls.__module__}.{cls.__qualname__}\n\n"]
    return "".join(parts)
