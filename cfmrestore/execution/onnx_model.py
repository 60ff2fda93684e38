"""ONNX of a graph."""

import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from cfmrestore.execution.graph import Graph
from cfmrestore.execution.optional import needed

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

OPSET = 18


def to_onnx(graph: Graph, about: Mapping[str, str] | None = None) -> "ModelProto":
    """The graph in ONNX's opset 18, its open axes called batch, height and width.

    Args:
        graph: What to write.
        about: What is said of it, as metadata of the model.
    """
    for package in ("onnx", "onnxscript"):
        needed(package, by="ONNX", extra="onnx")
    program = graph.program()
    with warnings.catch_warnings(action="ignore"):  # of torch's own parts
        written = torch.onnx.export(
            program, input_names=list(graph.inputs), output_names=[graph.output], opset_version=OPSET, verbose=False
        )
    assert written is not None
    model: ModelProto = written.model_proto
    _name_axes(model, graph)
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]  # of where in torch it comes from
    for key, value in (about or {}).items():
        model.metadata_props.add(key=key, value=value)
    return model


def _name_axes(model: "ModelProto", graph: Graph) -> None:
    """Call open axes by their names in place of torch's symbols, of which those of results are made (4*s53)."""
    names = {_sides(value)[axis].dim_param: name for value in model.graph.input
             for axis, name in graph.axes[value.name].items()}  # fmt: skip
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for side in _sides(value):
            if side.dim_param:
                side.dim_param = re.sub(r"\w+", lambda word: names.get(word[0], word[0]), side.dim_param)


def _sides(value: "ValueInfoProto") -> Any:
    return value.type.tensor_type.shape.dim
