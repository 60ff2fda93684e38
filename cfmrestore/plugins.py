"""Plugins from outside: modules imported by name or by file, and the message of one that breaks its contract."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

VARIABLE = "CFMRESTORE_PLUGINS"
"""Environment variable with the modules of a run, as in PATH: processes that the run starts import them too."""


class ContractError(ValueError):
    """What a plugin does is not what its kind promises."""

    what: str | None = None
    """The same without the plugin's name and what to do."""


def broken(plugin: Any, kind: str, what: str) -> ContractError:
    """The error of a plugin, of a kind as its registry is called, where it is caught in use."""
    name = (plugin if isinstance(plugin, type) else type(plugin)).__name__
    article = "an" if kind[0] in "aeiou" else "a"
    error = ContractError(
        f"{name} breaks the contract of {article} {kind} (docs/plugins.md): {what}. All of it: "
        f"cfmrestore check-plugin {name}"
    )
    error.what = what
    return error


def import_plugins(modules: Sequence[str]) -> None:
    """Import the modules of plugins here, and in all processes that are started from here."""
    names = [str(Path(name).resolve()) if _is_file(name) else name for name in modules]
    for name in names:
        import_plugin(name)
    known = os.environ.get(VARIABLE, "").split(os.pathsep)
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys(one for one in [*known, *names] if one))


def import_named_plugins() -> None:
    """Import what the environment variable names."""
    for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        import_plugin(name)


def import_plugin(name: str) -> ModuleType:
    """A module, by its dotted name or as a .py file, whose plugins are registered once it was imported."""
    try:
        return _import_file(Path(name).resolve()) if _is_file(name) else _import_module(name)
    except _MissingError as error:
        raise ValueError(f"--plugin {name}: {error}") from None
    except Exception as error:
        mend = ": take another name for yours" if "already registered" in str(error) else ""
        raise ValueError(f"--plugin {name} fails when it is imported: {described(error)}{mend}") from error


def is_imported(module: str) -> bool:
    """Whether the file of an installed module was imported as a plugin already, by ``--plugin FILE``."""
    spec = find_spec(module)
    files = {name for name in os.environ.get(VARIABLE, "").split(os.pathsep) if _is_file(name)}
    return spec is not None and spec.origin is not None and str(Path(spec.origin).resolve()) in files


def described(error: BaseException, plugin: Any = None) -> str:
    """An exception of foreign code in one line, with the line that raised it: the last in the plugin's own file."""
    frames = [frame for frame in extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    cls = plugin if isinstance(plugin, type) else type(plugin)
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    own = [frame for frame in frames if frame.filename == file] or frames
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}" + ("" if isinstance(error, SyntaxError) else place)


class _MissingError(Exception):
    """There is no such module."""


def _is_file(name: str) -> bool:
    return name.endswith(".py")


def _import_module(name: str) -> ModuleType:
    if name not in sys.modules:
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            parent = ".".join(parts[:count])
            if not all(part.isidentifier() for part in parts) or find_spec(parent) is None:
                raise _MissingError(
                    f"there is no module {parent!r}: name an installed one, or a file that ends with .py"
                )
    return import_module(name)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise _MissingError(f"there is no file {str(path)!r}")
    name = path.stem
    if (known := sys.modules.get(name)) is not None:
        if Path(getattr(known, "__file__", None) or "").resolve() == path:
            return known
        raise _MissingError(f"another module is called {name!r}: rename the file")
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # where what is pickled, and what asks for its own module, finds it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
