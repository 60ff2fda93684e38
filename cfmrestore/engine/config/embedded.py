"""The config that a checkpoint holds, read as data: nothing in it is executed."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.engine import checkpoints
from cfmrestore.engine.config.check import check
from cfmrestore.former_names import update_names
from cfmrestore.registry import load_plugins


def embedded_config(checkpoint: str | Path) -> Config | None:
    """The config with which a checkpoint was trained; None where it holds none.

    A file from a stranger may hold any text: names are those of plugins, and modules are not imported for it.
    """
    text = checkpoints.load(checkpoint)["meta"].get("cfg")
    if text is None:
        return None
    load_plugins()
    try:
        held = {node.targets[0].id: _value(node.value) for node in ast.parse(text).body}
    except (SyntaxError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"the config in {str(checkpoint)!r} is no list of values ({error}): give --config") from error
    if "custom_imports" in held:
        raise ValueError(f"the config in {str(checkpoint)!r} imports modules of its own: give --config with its file")
    config = update_names(held, warn=False)
    _refuse_paths(config, str(checkpoint))
    check(config)
    return Config(config)


def _value(node: ast.expr) -> Any:
    """What a literal says, or ``dict(...)`` of such."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        parts: list[Any] = [_value(one) for one in node.args]
        return dict(*parts, **{str(one.arg): _value(one.value) for one in node.keywords})
    if isinstance(node, ast.Dict):
        return {ast.literal_eval(key): _value(one) for key, one in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.List | ast.Tuple):
        kind = list if isinstance(node, ast.List) else tuple
        return kind(_value(one) for one in node.elts)
    return ast.literal_eval(node)


def _refuse_paths(value: Any, name: str) -> None:
    """No type that mmengine would import by its dotted name."""
    if isinstance(value, Mapping):
        kind = value.get("type")
        if kind is not None and (not isinstance(kind, str) or "." in kind or "_scope_" in value):
            raise ValueError(f"the config in {name!r} names {kind!r}, which is no plugin: give --config with its file")
        for one in value.values():
            _refuse_paths(one, name)
    elif isinstance(value, list | tuple):
        for one in value:
            _refuse_paths(one, name)
