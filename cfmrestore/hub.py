"""Files of weights: where one lies, whether it is the one that was meant, and what is in it."""

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

_DIGEST = re.compile(r"-([0-9a-f]{8,64})\.")


def find_file(
    path: str | Path | None, name: str, *, purpose: str, mirrors: Sequence[str] = (), sha256: str | None = None
) -> Path:
    """The file to read; only from a mirror is anything downloaded.

    Args:
        path: The file under any name, a folder that holds ``name``, or None: then ``name`` is looked for in torch's
            cache, the folder to which ``torch.hub`` and torchvision download.
        name: The name under which the file is published.
        purpose: What needs it, for the message that says that it is missing.
        mirrors: Addresses of the file, tried in this order where it is missing; it is kept at its place.
        sha256: Checksum of the file, or how it begins; without it, what the name says (as in
            ``vgg16-397923af.pth``). A file from a mirror without either is refused.
    """
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    place = cache if path is None else Path(path).expanduser()
    file = place / name if path is None or place.is_dir() else place
    digest = sha256 or next(iter(_DIGEST.findall(name)), None)
    failed = [error for mirror in mirrors if (error := _fetch(mirror, file, digest))]
    if not file.is_file():
        tried = f" ({'; '.join(str(error) for error in failed)})" if failed else ""
        raise ValueError(
            f"{purpose} needs the weights {name}, and there is no file {str(file)!r}{tried}: "
            f"put it into {cache}, or name the file or its folder"
        )
    return file


def _fetch(address: str, file: Path, sha256: str | None) -> Exception | None:
    """Download to the file, whole and right or not at all; what went wrong is returned."""
    if file.is_file():
        return None
    if sha256 is None:
        return ValueError(f"{address}: weights from a mirror need their sha256")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=file.parent) as folder, urlopen(address, timeout=60) as source:
            fetched = Path(folder) / file.name
            with fetched.open("wb") as out:
                shutil.copyfileobj(source, out)
            check_sha256(fetched, sha256)
            fetched.replace(file)
    except (OSError, ValueError) as error:
        return ValueError(f"{address}: {error}")
    return None


def check_sha256(file: Path, expected: str) -> None:
    """Refuse a file that is not the one that was meant."""
    actual = file_digest(file, digits=64)
    if not actual.startswith(expected.lower()):
        raise ValueError(f"{file} has the sha256 {actual}, not {expected}: a damaged or another file")


def file_digest(path: Path, digits: int = 16) -> str:
    """First digits of the SHA-256 of a file; by 16 of them records name it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:digits]


def read_weights(file: Path, *, sha256: str | None = None) -> dict[str, Any]:
    """The dictionary of a safetensors file or of ``torch.save``, without running the code that a pickle may hold."""
    if sha256 is not None:
        check_sha256(file, sha256)
    try:
        if file.suffix == ".safetensors":
            weights: Any = load_file(file)
        else:
            weights = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, pickle, zipfile and safetensors have no error in common
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{file} is no file of weights: {first}") from error
    if not isinstance(weights, dict):
        raise ValueError(f"{file} holds a {type(weights).__name__}, not a dictionary of weights")
    return weights


def read_meta(file: Path) -> dict[str, Any]:
    """What a training wrote into a safetensors file beside the weights."""
    try:
        with safe_open(file, framework="pt") as stream:
            found = json.loads((stream.metadata() or {}).get("meta", "{}"))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{file} is no file of weights with what a training says of them: {error}") from error
    return found if isinstance(found, dict) else {}


def check_weights(weights: dict[str, Any], expected: dict[str, torch.Tensor], file: Path) -> None:
    """Refuse weights that lack one of the expected, or have another shape."""
    for name, tensor in expected.items():
        found = weights.get(name)
        if not isinstance(found, torch.Tensor) or found.shape != tensor.shape:
            what = tuple(found.shape) if isinstance(found, torch.Tensor) else "nothing"
            raise ValueError(f"{file} is of another network: {name} should have {tuple(tensor.shape)}; it has {what}")
