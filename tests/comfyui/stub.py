"""A stand-in for ComfyUI, made of the signatures that its API publishes; ``api.json`` names their version.

What is called otherwise than published is refused, as it would be there: classes are made of the signatures, a node is
checked and called as ComfyUI's executor does it.
"""

import asyncio
import importlib.util
import json
import sys
from abc import ABC, abstractmethod
from enum import Enum
from inspect import Parameter, Signature
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from tests.testing import ROOT

API = json.loads((Path(__file__).parent / "api.json").read_text())
NODES = ROOT / "integrations" / "comfyui"


class InterruptProcessingError(Exception):
    """``comfy.model_management.InterruptProcessingException``."""


class NodeOutput:
    def __init__(self, *args: Any, ui: Any = None, expand: Any = None, block_execution: str | None = None) -> None:
        self.args = args


class ComfyNode(ABC):
    @classmethod
    @abstractmethod
    def define_schema(cls) -> Any: ...

    @classmethod
    @abstractmethod
    def execute(cls, **inputs: Any) -> NodeOutput: ...


class ComfyExtension(ABC):
    @abstractmethod
    async def get_node_list(self) -> list[type[ComfyNode]]: ...


def signature(name: str) -> Signature:
    """That of a class or function; a question mark stands behind parameters that have a default."""
    names = API["signatures"][name].split()
    defaults = [None if one.endswith("?") else Parameter.empty for one in names]
    kind = Parameter.POSITIONAL_OR_KEYWORD
    pairs = zip(names, defaults, strict=True)
    return Signature([Parameter(one.rstrip("?"), kind, default=default) for one, default in pairs])


def described(name: str) -> type:
    """A class that keeps what it is given, if its constructor takes that."""

    def __init__(self: Any, *args: Any, **keys: Any) -> None:  # noqa: N807
        bound = signature(name).bind(*args, **keys)
        bound.apply_defaults()
        vars(self).update(bound.arguments)

    return type(name.replace(".", ""), (), {"__init__": __init__})


class ComfyUI:
    """A running ComfyUI: modules to import, what was reported, and whether the user has cancelled.

    Args:
        cancel_after: Reports after which the user cancels.
    """

    def __init__(self, cancel_after: int | None = None) -> None:
        self.cancel_after = cancel_after
        self.reported: list[tuple[float, float]] = []

    def modules(self) -> dict[str, ModuleType]:
        """By their names, for ``sys.modules``."""
        io = SimpleNamespace(ComfyNode=ComfyNode, NodeOutput=NodeOutput, Schema=described("Schema"))
        for name in (one for one in API["signatures"] if one.endswith(("Input", "Output"))):
            kind, _, side = name.partition(".")
            vars(io).setdefault(kind, SimpleNamespace())
            setattr(vars(io)[kind], side, described(name))
        for name, members in API["enumerations"].items():
            setattr(io, name, Enum(name, members, type=str))
        api = SimpleNamespace(execution=SimpleNamespace(set_progress=self._set_progress))
        management = SimpleNamespace(throw_exception_if_processing_interrupted=self._throw)
        parts = {
            "comfy": {"model_management": management},
            "comfy_api": {},
            "comfy_api.latest": {"io": io, "ComfyExtension": ComfyExtension, "ComfyAPISync": lambda: api},
        }
        modules = {name: ModuleType(name) for name in parts}
        for name, module in modules.items():
            vars(module).update(parts[name])
        return modules

    def _set_progress(self, *args: Any, **keys: Any) -> None:
        given = signature("execution.set_progress").bind(*args, **keys).arguments
        self.reported.append((given["value"], given["max_value"]))

    def _throw(self) -> None:
        if self.cancel_after is not None and len(self.reported) >= self.cancel_after:
            raise InterruptProcessingError


def load() -> type[ComfyNode]:
    """The only node of the folder, loaded by its path as ComfyUI loads it."""
    name = str(NODES).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, NODES / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    for known in [one for one in sys.modules if one.startswith(name)]:
        del sys.modules[known]
    sys.modules[name] = module
    spec.loader.exec_module(module)
    extension = asyncio.run(module.comfy_entrypoint())
    (node,) = asyncio.run(extension.get_node_list())
    return node


def run(node: type[ComfyNode], **given: Any) -> tuple[Any, ...]:
    """Execute a node with the defaults of what is not given, after the checks of the executor."""
    schema = node.define_schema()
    values = {one.id: one.default for one in schema.inputs if getattr(one, "default", None) is not None} | given
    for one in schema.inputs:
        assert one.id in values or one.optional, f"the input {one.id} is missing"
        value, options = values.get(one.id), getattr(one, "options", None)
        assert options is None or value in options, f"{value!r} is no choice of {one.id}"
        for bound, wrong in (("min", "smaller"), ("max", "bigger")):
            limit = getattr(one, bound, None)
            assert limit is None or (value >= limit if bound == "min" else value <= limit), f"{value} is {wrong}"
    assert values.keys() <= {one.id for one in schema.inputs}, "ComfyUI passes what the schema names"
    output = node.execute(**values)
    assert isinstance(output, NodeOutput)
    assert len(output.args) == len(schema.outputs)
    return output.args
