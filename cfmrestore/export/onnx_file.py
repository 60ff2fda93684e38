"""ONNX files."""

from collections.abc import Mapping
from pathlib import Path

from cfmrestore.execution.graph import Graph
from cfmrestore.execution.onnx_model import to_onnx
from cfmrestore.imageio.atomic import atomic


def write_onnx(graph: Graph, file: Path, about: Mapping[str, str]) -> list[Path]:
    """Weights and all in one file, with what is said of the model in its metadata."""
    model = to_onnx(graph, about)
    with atomic(file) as unfinished:
        unfinished.write_bytes(model.SerializeToString())
    return [file]
