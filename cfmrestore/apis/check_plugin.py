"""A plugin held to the contract of its kind."""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.registry import Registry

from cfmrestore.contracts import CONTRACTS, Contract, Finding
from cfmrestore.former_names import plugin_name
from cfmrestore.plugins import described
from cfmrestore.registry import OWN_PLUGINS, REGISTRIES, load_plugins
from cfmrestore.suggestions import nearest


def check_plugin(name: str, *, kind: str | None = None, options: Mapping[str, Any] | None = None) -> bool:
    """Print what each check of a plugin's contract says; whether all promises are kept.

    Args:
        name: Under which it is registered.
        kind: Which registry, where the name stands in several.
        options: Keys of its constructor; by default the toolkit's own plugins are checked with several.
    """
    contract = CONTRACTS[_kind_of(plugin_name(name), kind)]
    name = plugin_name(name)
    cls = contract.registry.get(name)
    print(f"{name}: {contract.kind}, {_place(cls)}")
    total = kept = 0
    for keys in contract.cases_of(name) if options is None else [dict(options)]:
        if keys:
            print("with " + ", ".join(f"{key}={value!r}" for key, value in keys.items()))
        first = dict[str | None, str]()
        for finding in findings(contract, name, keys):
            print(_line(finding, first.setdefault(finding.broken, finding.name)))
            total, kept = total + (finding.left_out is None), kept + (finding.left_out is finding.broken is None)
    if contract.unchecked:
        print(f"not checked of any {contract.kind}: {contract.unchecked}")
    print(f"{kept} of {total} promises are kept" + ("" if kept == total else "; the contract: docs/plugins.md"))
    return kept == total


def findings(contract: Contract, name: str, keys: dict[str, Any]) -> list[Finding]:
    """Of a plugin that is built with these keys; one that cannot be built breaks its first promise."""
    try:
        plugin = contract.make(name, keys)
    except ValueError as error:
        raise ValueError(f"{error} (keys of the constructor: --option KEY=VALUE)") from error
    except Exception as error:
        cls = contract.registry.get(name)
        return [Finding("constructor", "It can be built", f"the constructor fails: {described(error, cls)}")]
    return list(contract.findings(plugin))


def _kind_of(name: str, kind: str | None) -> str:
    """The registry of a name, as messages call it."""
    load_plugins()
    for registry in REGISTRIES.values():
        registry.import_from_location()
    if kind is not None and (kind := kind.replace("-", " ").replace("_", " ")) not in REGISTRIES:
        raise ValueError(f"there is no kind of plugin {kind!r}; {nearest(kind, REGISTRIES)}")
    kinds = REGISTRIES if kind is None else {kind: REGISTRIES[kind]}
    found = [one for one, registry in kinds.items() if name in registry.module_dict]
    if not found:
        known = {one for registry in kinds.values() for one in registry.module_dict}
        close = nearest(name, known) if kind is not None else nearest(name, known).partition("known are")[0]
        own = sorted(_of_users(kinds.values()))
        where = f"(of your own there are: {', '.join(own)})" if own else OWN_PLUGINS
        raise ValueError(f"there is no {kind or 'plugin'} {name!r}; {close or 'none has a name like it'} {where}")
    if len(found) > 1:
        raise ValueError(f"{name} is a {' and a '.join(found)}: say which, --kind {found[0].replace(' ', '-')}")
    return found[0]


def _of_users(registries: Iterable[Registry]) -> set[str]:
    """Names of what comes from users' modules."""
    plugins = (item for registry in registries for item in registry.module_dict.items())
    return {name for name, cls in plugins if not cls.__module__.startswith(("cfmrestore.", "mmengine."))}


def _place(cls: Any) -> str:
    file = inspect.getsourcefile(cls) if inspect.isclass(cls) else None
    if file is None:
        return str(getattr(cls, "__module__", cls))
    here = Path.cwd()
    return str(Path(file).relative_to(here) if Path(file).is_relative_to(here) else file)


def _line(finding: Finding, first: str) -> str:
    """What a check found, in full where it is the first that found it."""
    if finding.broken is not None and finding.name != first:
        return f"broken    {finding.name}: as {first}\n          promised: {finding.promise}"
    if finding.broken is not None:
        return f"broken    {finding.name}: {finding.broken}\n          promised: {finding.promise}"
    if finding.left_out is not None:
        return f"left out  {finding.name}: {finding.left_out}"
    return f"ok        {finding.name}: {finding.promise}"
