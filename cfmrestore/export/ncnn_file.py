"""Nets of ncnn: a .param file of layers and a .bin file of weights."""

import subprocess
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from cfmrestore.execution.optional import needed
from cfmrestore.export.folding import FoldedLift
from cfmrestore.export.image_graph import ImageGraph
from cfmrestore.imageio.atomic import atomic, write_text

_SIZES = ("[1,3,24,40]", "[1,3,32,56]")  # two that differ tell pnnx what is open
_BLOBS = {"in0": "data", "out0": "output"}  # as programs that load nets for upscaling look for them


def write_ncnn(graph: ImageGraph, file: Path, about: Mapping[str, str]) -> list[Path]:
    """The net of any size, by pnnx; the format has no place for what is said of a model."""
    del about
    pnnx = needed("pnnx", by="a net of ncnn", extra="ncnn")
    if not isinstance(graph.lift, FoldedLift) or graph.regression is not None or len(graph.inputs) > 1:
        raise ValueError("ncnn has no layers for this model: a net is of one whose space is Haar of the scale's factor")
    if graph.tile is not None:
        raise ValueError("ncnn has no layer that repeats noise: a net is of fidelity 1")
    with TemporaryDirectory() as folder:
        traced = Path(folder) / "net.pt"
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            torch.jit.trace(graph, (torch.zeros(1, 3, 24, 40),)).save(traced)
        sizes = [f"inputshape={_SIZES[0]}", f"inputshape2={_SIZES[1]}"]
        done = subprocess.run(
            [pnnx.EXEC_PATH, str(traced), *sizes, "fp16=0"], cwd=folder, capture_output=True, text=True, check=False
        )
        param, weights = traced.with_suffix(".ncnn.param"), traced.with_suffix(".ncnn.bin")
        if done.returncode or not param.is_file():
            raise ValueError(f"pnnx made no net: {next(iter(done.stderr.splitlines()[::-1]), done.returncode)}")
        with atomic(file.with_suffix(".bin")) as unfinished:
            unfinished.write_bytes(weights.read_bytes())
        write_text(file, plain_layers(param.read_text()))
    return [file, file.with_suffix(".bin")]


def plain_layers(param: str) -> str:
    """The net with the blobs called data and output, and with Swish as x sigmoid(x).

    Upscayl's build of ncnn has the layers that its own models need, and before 2026 Swish was none of them.
    """
    magic, _, *lines = param.splitlines()
    layers = [layer for line in lines if line.strip() for layer in _plain(line.split())]
    blobs = {name for layer in layers for name in layer[4 + int(layer[2]) : 4 + int(layer[2]) + int(layer[3])]}
    text = [magic, f"{len(layers)} {len(blobs)}", *(" ".join(layer) for layer in layers)]
    return "\n".join(text) + "\n"


def _plain(layer: list[str]) -> Iterator[list[str]]:
    kind, name, inputs, outputs, *rest = layer
    ends = int(inputs) + int(outputs)
    rest = [*(_BLOBS.get(blob, blob) for blob in rest[:ends]), *rest[ends:]]
    if kind != "Swish":
        yield [kind, name, inputs, outputs, *rest]
        return
    x, y = rest
    yield ["Split", f"{name}_split", "1", "2", x, f"{name}_x", f"{name}_s"]
    yield ["Sigmoid", f"{name}_sigmoid", "1", "1", f"{name}_s", f"{name}_sigmoid"]
    yield ["BinaryOp", name, "2", "1", f"{name}_x", f"{name}_sigmoid", y, "0=2"]
