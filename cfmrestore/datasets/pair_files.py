"""Pairs of a flow as files: safetensors of some pairs each, with what their conditions need."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

SUFFIX = ".safetensors"
START, END = "start", "latent"
KNOWN = (START, END, "low", "label", "mask")
INFO = "info"


@dataclass(frozen=True)
class PairsInfo:
    """What is known of the pairs of a file.

    Args:
        encoder: Digest of the encoder in whose space they lie.
        model: Digest of the checkpoint of the flow.
        seed: Of the first pair.
    """

    encoder: str
    model: str | None = None
    seed: int = 0


def pack_pairs(tensors: Mapping[str, Tensor], info: PairsInfo) -> bytes:
    """The bytes of a file of pairs, of which all tensors have the first axis."""
    from safetensors.torch import save

    if not {START, END} <= tensors.keys() <= {*KNOWN} or len({len(one) for one in tensors.values()}) != 1:
        shapes = {name: tuple(one.shape) for name, one in tensors.items()}
        raise ValueError(f"pairs are tensors of one length named {', '.join(KNOWN)}; got {shapes}")
    return save(
        {name: one.detach().cpu().contiguous() for name, one in tensors.items()}, {INFO: json.dumps(asdict(info))}
    )


def open_pairs(path: str | Path) -> Any:
    """A file of pairs, open: its tensors are read row by row."""
    from safetensors import SafetensorError, safe_open

    try:
        file = safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read {str(path)!r}: {error}") from error
    if not {START, END} <= {*file.keys()} <= {*KNOWN}:
        raise ValueError(f"{str(path)!r} holds no pairs of a flow, which 'cfmrestore pairs' writes")
    return file


def info_of(file: Any, path: str | Path) -> PairsInfo:
    """What an open file says of its pairs."""
    try:
        info = json.loads((file.metadata() or {})[INFO])
        return PairsInfo(info["encoder"], info.get("model"), info.get("seed", 0))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{str(path)!r} does not say in which space its pairs lie") from error
