"""Checkpoints as data: written atomically, read without running code."""

import argparse
import errno
import json
import os
import pickle
import platform
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import cfmrestore
from cfmrestore.engine import shards
from cfmrestore.former_names import tensor_name
from cfmrestore.imageio.atomic import atomic

DESCRIPTION = "model.json"
"""Name of a tensor of bytes in exported weights that says of which model they are, for readers of tensors alone."""
LAST = "last_checkpoint"
_DURATION = "duration.mlp."  # in the names of tensors that flow maps have beside a velocity's
_LOCAL = "local_gains."  # and of those that a UNet of that name has beside another
_STATES = ("state_dict", "raw_state_dict")
_REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


def versions() -> dict[str, str]:
    """What made a checkpoint."""
    packages = {name: version(name) for name in ("torch", "mmengine", "diffusers", "numpy")}
    return {"cfmrestore": cfmrestore.__version__, "python": platform.python_version(), **packages}


def plain(value: Any) -> Any:
    """Numbers, strings and lists that need no class to be read back; None for anything else."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if isinstance(value, int | float | str | bool) else None


def as_data(value: Any) -> Any:
    """A config as JSON has it; a class stands there by its name."""
    if isinstance(value, Mapping):
        return {str(key): as_data(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(one) for one in value]
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, int | float | str | bool) else str(value)


def save(checkpoint: dict[str, Any], path: str | Path) -> None:
    """Write a checkpoint, and its weights again as safetensors beside it: both or, where the disk fails, neither."""
    from safetensors.torch import save_file

    path = Path(path)
    weights = {name: value.contiguous() for name, value in checkpoint["state_dict"].items()}
    with disk_named(path), atomic(path) as whole, atomic(path.with_suffix(".safetensors")) as alone:
        with whole.open("wb") as file:  # torch's own files do not say why they fail
            torch.save(checkpoint, file)
        save_file(weights, alone, metadata={"meta": json.dumps(checkpoint["meta"])})


@contextmanager
def disk_named(path: Path) -> Iterator[None]:
    """What a disk refuses (it is full, a quota is used up) is one message that names it."""
    try:
        yield
    except Exception as error:  # torch and safetensors have their own
        number = _system_error(error)
        if number is None or number not in _REFUSALS:
            raise
        place = path.absolute().parent
        disk = next(folder for folder in (place, *place.parents) if os.path.ismount(folder))
        raise ValueError(
            f"{str(path)!r} is not written, for its disk ({disk}) says: {os.strerror(number)}. What was saved before "
            "is whole: make room, and go on with the same command (a training: and --resume)"
        ) from error


def _system_error(error: BaseException | None) -> int | None:
    """The system's number of an error, or of one behind it."""
    while error is not None:
        if isinstance(error, OSError):
            return error.errno
        if found := re.search(r"(?:os error |\[Errno )(\d+)", str(error)):  # of one process, or of several
            return int(found[1])
        error = error.__cause__ or error.__context__
    return None


def remove(path: str | Path) -> None:
    """Delete a checkpoint, be it a file with its safetensors or a folder of shards."""
    for suffix in (".pth", ".safetensors"):
        Path(path).with_suffix(suffix).unlink(missing_ok=True)
    if shards.is_sharded(folder := Path(path).with_suffix("")):
        shutil.rmtree(folder)


def load(path: str | Path, like: Callable[[shards.Key], Tensor | None] | None = None) -> dict[str, Any]:
    """Read a checkpoint (.pth, or a folder of shards) or weights (.safetensors); nothing in it is executed.

    Args:
        path: The file or the folder.
        like: The tensor as which the one under those keys is divided among the processes of a run; None for whole.
    """
    path = Path(path)
    if not path.is_file() and not shards.is_sharded(path):
        raise ValueError(f"there is no checkpoint {str(path)!r}")
    try:
        if path.suffix == ".safetensors" and path.is_file():
            weights = _load_safetensors(path)
            return weights if like is None else shards.divided(weights, like)
        with torch.serialization.safe_globals([argparse.Namespace]):  # flags, which many trainers store: inert
            checkpoint = torch.load(_file(path), map_location="cpu", weights_only=True)
        if path.is_dir():
            checkpoint = shards.read_tensors(checkpoint, path, like or (lambda key: None))
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{str(path)!r} is no checkpoint, or holds more than tensors and plain values; nothing in it was run. Ask "
            "its author for safetensors"
        ) from error
    except Exception as error:  # what is no checkpoint makes torch fail in many ways
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{str(path)!r} is damaged or no checkpoint: {line}") from error
    if not isinstance(checkpoint, dict):
        raise ValueError(f"{str(path)!r} is no checkpoint: it holds a {type(checkpoint).__name__}")
    if "state_dict" not in checkpoint:
        checkpoint = {"state_dict": checkpoint}
    if not isinstance(checkpoint.get("meta", {}), Mapping):
        raise ValueError(f"{str(path)!r} is no checkpoint: its meta is a {type(checkpoint['meta']).__name__}")
    checkpoint = {"meta": {}, **{key: _present(one) if key in _STATES else one for key, one in checkpoint.items()}}
    return checkpoint if like is None else shards.divided(checkpoint, like)


def _file(path: Path) -> Path:
    return path / shards.STATE if path.is_dir() else path


def _present(state: Any) -> Any:
    """A state dict with the present names of its tensors."""
    return {tensor_name(name): value for name, value in state.items()} if isinstance(state, Mapping) else state


def _load_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            weights.pop(DESCRIPTION, None)
            return {"state_dict": _present(weights), "meta": json.loads((file.metadata() or {}).get("meta", "{}"))}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def load_weights(model: nn.Module, weights: dict[str, Tensor], path: str | Path) -> None:
    """Copy weights into a model; one message says how they differ.

    Those of a velocity are those of a flow map whose embedding of the duration is as it was made, zero; and those of a
    flow map are, without that embedding, those of its velocity. So are those of a network without local gains those of
    one whose local gains are as they were made.
    """
    own = model.state_dict()
    weights = {name.removeprefix("module."): value for name, value in weights.items()}
    for part in (_DURATION, _LOCAL):
        if not any(part in name for name in weights):
            weights |= {name: value for name, value in own.items() if part in name}
    if not any(_DURATION in name for name in own):
        weights = {name: value for name, value in weights.items() if _DURATION not in name}
    missing = sorted(own.keys() - weights.keys())
    surplus = sorted(weights.keys() - own.keys())
    shapes = [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own.keys() & weights.keys()
        if own[name].shape != weights[name].shape
    ]
    if missing or surplus or shapes:
        kinds = (("missing", missing), ("not in the model", surplus), ("of another shape", sorted(shapes)))
        told = "; ".join(f"{len(names)} {what} ({names[0]} ...)" for what, names in kinds if names)
        raise ValueError(
            f"{str(path)!r} was made by another network: of {len(own)} tensors {told}. Take the config that "
            "trained it: in its folder, or of a bundled model under command in its card (cfmrestore models --json)"
        )
    model.load_state_dict(weights)


def locate(path: str | Path) -> Path:
    """A checkpoint; a folder that is none stands for its newest one."""
    path = Path(path)
    if not path.is_dir() or shards.is_sharded(path):
        return path
    latest = find_latest(path)
    if latest is None:
        raise ValueError(f"the folder {str(path)!r} holds no checkpoint that training has finished writing")
    return latest


def find_latest(work_dir: str | Path) -> Path | None:
    """The newest complete checkpoint of a folder, also after the folder was moved."""
    pointer = Path(work_dir) / LAST
    if not pointer.is_file():
        return None
    path = Path(work_dir) / Path(pointer.read_text().strip()).name
    return path if path.is_file() or shards.is_sharded(path) else None
