"""Programs of torch.export."""

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from cfmrestore.execution.graph import Graph
from cfmrestore.imageio.atomic import atomic

ABOUT = "about.json"
"""Name of the extra file in the archive: what is said of the model."""


def write_torch(graph: Graph, file: Path, about: Mapping[str, str]) -> list[Path]:
    """A .pt2 archive, which ``torch.export.load`` reads without this package."""
    archive = io.BytesIO()
    program = graph.program()
    with warnings.catch_warnings(action="ignore"):  # of weights in the layout channels-last
        torch.export.save(program, archive, extra_files={ABOUT: json.dumps(dict(about))})
    with atomic(file) as unfinished:
        unfinished.write_bytes(archive.getvalue())
    return [file]
