"""A model in the formats of other programs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from cfmrestore.engine import checkpoints
from cfmrestore.execution.graph import Graph
from cfmrestore.export.about import About
from cfmrestore.export.image_graph import ImageGraph, check_flow, one_evaluation
from cfmrestore.export.ncnn_file import write_ncnn
from cfmrestore.export.onnx_file import write_onnx
from cfmrestore.export.open_model_db import card
from cfmrestore.export.part_graphs import DecoderGraph, EncoderGraph, network_graph
from cfmrestore.export.safetensors_file import write_safetensors
from cfmrestore.export.torch_file import write_torch
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.imageio.atomic import check_free
from cfmrestore.reports.json_csv import write_json
from cfmrestore.restore import Settings
from cfmrestore.restore.stages import find_model, load_stages

SUFFIXES = {"onnx": ".onnx", "torch": ".pt2", "ncnn": ".param", "safetensors": ".safetensors"}
"""Of the files, by format."""
_WRITERS: dict[str, Callable[[Any, Path, Mapping[str, str]], list[Path]]] = {
    "onnx": write_onnx,
    "torch": write_torch,
    "ncnn": write_ncnn,
}
_PARTS: dict[str, Callable[[CouplingFlow], Graph]] = {
    "network": network_graph,
    "encoder": EncoderGraph,
    "decoder": DecoderGraph,
}
GRAPHS = ("image", *_PARTS)


def export(
    model: str | Path,
    to: str,
    out: str | Path,
    *,
    graph: str = "image",
    fidelity: float | None = None,
    num_intervals: int | None = None,
    color: str | None = None,
    noise_input: bool = False,
    license: str | None = None,
    author: str | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write a model in another format, and beside it a card in OpenModelDB's form; returns the files.

    Args:
        model: As for ``Restorer.from_pretrained``.
        to: "onnx", "torch" (a program of torch.export), "ncnn", or "safetensors", which are weights and no graph.
        out: The file.
        graph: "image" is the whole of one evaluation, image to image; "network", "encoder" and "decoder" are the parts
            for solvers outside, by any number of evaluations.
        fidelity: Of the image: by default the model's own where that takes one evaluation, and else 1.
        num_intervals: Of the solver.
        color: Correction by the input: "none", "mean" or "adain".
        noise_input: Take the noise of an image below fidelity 1 as a second input.
        license: Of the weights, by default what their card says; best the identifier of SPDX.
        author: Whose model it is, likewise.
        overwrite: Replace files that are there.
    """
    file, asked = Path(out), {"fidelity": fidelity, "num_intervals": num_intervals, "color": color}
    _check_format(to, graph, file)
    if to == "safetensors" and (graph != "image" or noise_input or any(value is not None for value in asked.values())):
        raise ValueError("safetensors hold weights, and no graph: how it restores is said where they are loaded")
    described = file.with_name(f"{file.name}.json")
    check_free([file, described, *([file.with_suffix(".bin")] if to == "ncnn" else [])], overwrite)
    weights = find_model(model)
    if file.exists() and file.samefile(weights):
        raise ValueError(f"{file} would be replaced by what is made of it: name another file")
    stages = load_stages(weights)
    if len(stages) > 1:
        raise ValueError(f"{str(model)!r} is a chain of {len(stages)} models: export them one by one")
    flow = stages[0].flow.cpu().eval().requires_grad_(False)
    check_flow(flow)
    # Another layout puts conditions on the sizes of a graph.
    flow.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    sampling = Settings(**asked).sampling(flow.sampling)  # type: ignore[arg-type]
    if graph == "image" and to != "safetensors" and fidelity is None:
        sampling = one_evaluation(flow, sampling)
    about = About.of(weights, flow, sampling, {"license": license, "author": author})
    if to == "safetensors":
        files = write_safetensors(about, checkpoints.load(weights), file)
    else:
        drawn = ImageGraph(flow, sampling, noise_input=noise_input) if graph == "image" else _PARTS[graph](flow)
        files = _WRITERS[to](drawn.eval(), file, about.metadata(graph, drawn))
    write_json(described, card(about, files))
    return [*files, described]


def _check_format(to: str, graph: str, file: Path) -> None:
    if to not in SUFFIXES:
        raise ValueError(f"unknown format {to!r}; known are {', '.join(SUFFIXES)}")
    if file.suffix != SUFFIXES[to]:
        raise ValueError(f"{to} is written to a {SUFFIXES[to]} file; got {str(file)!r}")
    if graph not in GRAPHS:
        raise ValueError(f"unknown graph {graph!r}; known are {', '.join(GRAPHS)}")
    if to == "ncnn" and graph != "image":
        raise ValueError(f"ncnn is written of the whole image; got the graph {graph!r}")
