"""A card in the form of OpenModelDB, where models for upscaling are shared."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from cfmrestore.export.about import About
from cfmrestore.hub import file_digest

_TAGS = {"jpeg": ("jpeg", "restoration"), "noise": ("denoise",), "blur": ("deblur",)}
_PLATFORMS = {"onnx": "onnx", "pt2": "pytorch", "safetensors": "pytorch", "param": "ncnn", "bin": "ncnn"}


def card(about: About, files: Sequence[Path]) -> dict[str, Any]:
    """Its JSON, as the database's schema has it; who shares the files adds where they lie (urls) and pictures.

    Args:
        about: The model.
        files: What was written of it.
    """
    said, sampling = about.card, about.sampling
    made = [tag for kind in said.get("inputs", ()) for tag in _TAGS.get(kind, ())]
    nfe = about.flow.nfe(sampling)
    lines = [
        said.get("what", f"x{about.scale}"),
        f"Coupled flow matching, {nfe} evaluation{'' if nfe == 1 else 's'} of the network, at fidelity "
        f"{sampling.fidelity:g} between a sample (0) and the posterior mean (1).",
        f"License: {said.get('license', 'not said')}.",
        f"sha256 of the weights of which it was made: {about.sha256}.",
    ]
    extra = {"dataset": said.get("data"), "trainingIterations": said.get("iter")}
    return {
        "name": about.name,
        "author": said.get("author", []),
        "license": about.spdx,
        "tags": list(dict.fromkeys(["photo", "general-upscaler" if about.scale > 1 else "restoration", *made])),
        "description": "\n\n".join(lines),
        "date": said.get("date", date.today().isoformat()),
        "architecture": "cfmrestore",
        "size": [f"{sum(p.numel() for p in about.flow.network.parameters()) / 1e6:.1f}M"],
        "scale": about.scale,
        "inputChannels": 3,
        "outputChannels": 3,
        "resources": [_resource(file) for file in files],
        "images": [],
        **{key: value for key, value in extra.items() if value is not None},
    }


def _resource(file: Path) -> dict[str, Any]:
    kind = file.suffix.removeprefix(".")
    return {
        "platform": _PLATFORMS[kind],
        "type": kind,
        "size": file.stat().st_size,
        "sha256": file_digest(file, digits=64),
        "urls": [],
    }
