"""Weights with what is said of the model: modelspec.* in the header, and a tensor that holds its description."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cfmrestore._version import __version__
from cfmrestore.engine import checkpoints
from cfmrestore.export.about import About
from cfmrestore.imageio.atomic import atomic


def write_safetensors(about: About, checkpoint: Mapping[str, Any], file: Path) -> list[Path]:
    """A file that ``Restorer.from_pretrained`` reads, and programs that look for ModelSpec 1.0.1 show.

    Readers of tensors alone find the model's description in a tensor of bytes, as JSON.

    Args:
        about: The model.
        checkpoint: Its state_dict, and the meta that its training wrote.
        file: Where to write.
    """
    from safetensors.torch import save

    meta = checkpoint["meta"]
    described = json.dumps(checkpoints.as_data({"name": about.name, "model": meta["model"]})).encode()
    tensors = {name: value.contiguous() for name, value in checkpoint["state_dict"].items()}
    tensors[checkpoints.DESCRIPTION] = torch.frombuffer(bytearray(described), dtype=torch.uint8)
    header = {"meta": json.dumps(checkpoints.as_data(meta)), **_modelspec(about)}
    plain = save(tensors, metadata=header)
    begin = 8 + int.from_bytes(plain[:8], "little")  # of the tensors, behind the header
    header["modelspec.hash_sha256"] = f"0x{hashlib.sha256(plain[begin:]).hexdigest()}"
    with atomic(file) as unfinished:
        unfinished.write_bytes(save(tensors, metadata=header))
    return [file]


def _modelspec(about: About) -> dict[str, str]:
    """Keys of the specification; a resolution is for models that have one, and these take any size."""
    said = {
        "sai_model_spec": "1.0.1",
        "architecture": f"cfmrestore/{about.architecture}",
        "implementation": "cfmrestore",
        "implementation_version": __version__,
        "title": about.name,
        "description": about.card.get("what"),
        "author": about.card.get("author"),
        "date": about.card.get("date"),
        "license": about.card.get("license"),
        "usage_hint": f"x{about.scale}, {about.flow.nfe(about.sampling)} evaluations of the network by default",
    }
    return {f"modelspec.{key}": str(value) for key, value in said.items() if value is not None}
