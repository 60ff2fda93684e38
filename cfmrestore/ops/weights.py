"""Files of weights: where one lies, whether it is the one that was meant, and what is in it."""

import hashlib
from pathlib import Path
from typing import Any

import torch


def find_file(path: str | Path | None, name: str, *, purpose: str) -> Path:
    """The file to read; nothing is downloaded.

    Args:
        path: The file under any name, a folder that holds ``name``, or None: then ``name`` is looked for in torch's
            cache, the folder to which ``torch.hub`` and torchvision download.
        name: The name under which the file is published.
        purpose: What needs it, for the message that says that it is missing.
    """
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    place = cache if path is None else Path(path).expanduser()
    file = place / name if path is None or place.is_dir() else place
    if not file.is_file():
        raise ValueError(
            f"{purpose} needs the weights {name}, and there is no file {str(file)!r}: "
            f"put it into {cache}, or name the file or its folder"
        )
    return file


def check_sha256(file: Path, expected: str) -> None:
    """Refuse a file that is not the one that was meant."""
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected.lower():
        raise ValueError(f"{file} has the sha256 {found}, not {expected}: a damaged or another file")


def read_weights(file: Path, *, sha256: str | None = None) -> dict[str, Any]:
    """The dictionary of a file of ``torch.save``, without running the code that a pickle may hold."""
    if sha256 is not None:
        check_sha256(file, sha256)
    try:
        weights = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, pickle and zipfile have no error in common
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{file} is no file of weights: {first}") from error
    if not isinstance(weights, dict):
        raise ValueError(f"{file} holds a {type(weights).__name__}, not a dictionary of weights")
    return weights


def check_weights(weights: dict[str, Any], expected: dict[str, torch.Tensor], file: Path) -> None:
    """Refuse weights that lack one of the expected, or have another shape."""
    for name, tensor in expected.items():
        found = weights.get(name)
        if not isinstance(found, torch.Tensor) or found.shape != tensor.shape:
            what = tuple(found.shape) if isinstance(found, torch.Tensor) else "nothing"
            raise ValueError(f"{file} is of another network: {name} should have {tuple(tensor.shape)}; it has {what}")
