"""Checkpoints in shards: a folder of safetensors, of which each process writes and reads its part."""

import math
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import torch
from mmengine.dist import barrier, is_main_process
from torch import Tensor, nn

from cfmrestore.imageio.atomic import atomic

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor

STATE = "state.pth"
"""The checkpoint without its tensors' values; it is written last, and makes the folder one."""
FILES = "shards"
"""Key of it for the names and sizes of the files with these."""

Key = tuple[str | int, ...]
"""Where a tensor stands in a checkpoint: the keys of the dicts and lists around it."""


def is_sharded(path: str | Path) -> bool:
    """Whether this is a folder that a checkpoint was written to, to its end."""
    return (Path(path) / STATE).is_file()


def is_divided(value: Any) -> "TypeGuard[DTensor]":
    """Whether each process holds a part of it. What is one whole tensor needs no import to tell."""
    if value is None or type(value) in (Tensor, nn.Parameter):
        return False
    from torch.distributed.tensor import DTensor

    return isinstance(value, DTensor)


def map_tensors(tree: Any, change: Callable[[Key, Tensor], Any], key: Key = ()) -> Any:
    """Nested dicts and lists with other tensors."""
    if isinstance(tree, Tensor):
        return change(key, tree)
    if isinstance(tree, dict):
        return {name: map_tensors(one, change, (*key, name)) for name, one in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(map_tensors(one, change, (*key, index)) for index, one in enumerate(tree))
    return tree


def local(value: Tensor) -> Tensor:
    """What this process holds of a tensor."""
    part: Tensor = value.to_local() if is_divided(value) else value
    return part


def divided(checkpoint: dict[str, Any], like: Callable[[Key], Tensor | None]) -> dict[str, Any]:
    """A checkpoint that every process has whole, each tensor divided as the other one that belongs to its key."""

    def part(key: Key, value: Tensor) -> Tensor:
        other = like(key)
        if not is_divided(other) or is_divided(value) or value.shape != other.shape:
            return value
        from torch.distributed.tensor import distribute_tensor

        value = value.to(other.device).contiguous()  # a file keeps the layout channels-last
        return distribute_tensor(value, other.device_mesh, other.placements, src_data_rank=None)

    result: dict[str, Any] = map_tensors(checkpoint, part)
    return result


def whole(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint with whole tensors on the CPU, in the first process; the others give their parts and keep none."""

    def gathered(key: Key, value: Tensor) -> Tensor | None:
        del key
        all_of_it: Tensor = value.full_tensor() if is_divided(value) else value
        return all_of_it.detach().to("cpu", copy=True) if is_main_process() else None

    result: dict[str, Any] = map_tensors(checkpoint, gathered)
    return result


def save(checkpoint: dict[str, Any], folder: Path, *, tensors_are_there: bool = False) -> None:
    """Write a checkpoint; all processes call this, and what each of them holds whole is written once.

    Args:
        checkpoint: Nested dicts and lists.
        folder: Where to; an older one stands there until this one is complete.
        tensors_are_there: It holds these tensors already: write what else has changed.
    """
    from torch.distributed.checkpoint import HuggingFaceStorageWriter
    from torch.distributed.checkpoint import save as write

    tensors: dict[str, Tensor] = {}

    def outline(key: Key, value: Tensor) -> Tensor:
        tensors[_name(key)] = value.detach().contiguous()
        return torch.empty(value.shape, dtype=value.dtype, device="meta")

    state = map_tensors(checkpoint, outline)
    place = folder if tensors_are_there else folder.with_name(f".{folder.name}.unfinished")
    if not tensors_are_there:
        if is_main_process():
            shutil.rmtree(place, ignore_errors=True)
        barrier()
        with warnings.catch_warnings(action="ignore"):  # that one process alone writes for itself
            write(tensors, storage_writer=HuggingFaceStorageWriter(str(place), save_distributed=True))
    if is_main_process():
        files = {file.name: file.stat().st_size for file in place.glob("*.safetensors")}
        with atomic(place / STATE) as file:
            torch.save({**state, FILES: files}, file)
        if place != folder:
            _replace(folder, place)
    barrier()


def _replace(folder: Path, place: Path) -> None:
    """Another folder takes its place; at no moment is neither of both whole under its name."""
    old = folder.with_name(f".{folder.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    place.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def remove_unfinished(work_dir: Path) -> None:
    """What a process that was killed had begun to write is deleted; what lacked but its name gets it."""
    for place in work_dir.glob(".iter_*.unfinished"):
        folder = work_dir / place.name.removeprefix(".").removesuffix(".unfinished")
        if is_sharded(place) and not folder.exists():
            place.rename(folder)
        else:
            shutil.rmtree(place, ignore_errors=True)
    for place in work_dir.glob(".iter_*.replaced"):
        shutil.rmtree(place, ignore_errors=True)


def read_tensors(state: dict[str, Any], folder: Path, like: Callable[[Key], Tensor | None]) -> dict[str, Any]:
    """The checkpoint of a state; each process reads for itself, and only what it will hold.

    Args:
        state: What was read from ``STATE``.
        folder: Where the shards are.
        like: Another tensor, as which the one of that key is to be divided; None for whole on the CPU.
    """
    from torch.distributed.checkpoint import HuggingFaceStorageReader
    from torch.distributed.checkpoint import load as read

    tensors: dict[str, Tensor] = {}
    state = {key: value for key, value in state.items() if key != FILES}

    def empty(key: Key, outline: Tensor) -> Tensor:
        other = like(key)
        if is_divided(other) and other.shape == outline.shape:
            made = torch.empty_like(other, dtype=outline.dtype)
        else:
            made = torch.empty_like(outline, device="cpu")
        return tensors.setdefault(_name(key), made)

    checkpoint: dict[str, Any] = map_tensors(state, empty)
    reader = HuggingFaceStorageReader(str(folder))
    held = reader.read_metadata().state_dict_metadata
    for name, tensor in tensors.items():
        parts = getattr(held.get(name), "chunks", [])
        if sum(math.prod(part.sizes) for part in parts) != tensor.numel():
            raise ValueError(f"parts of {name} are missing: copy all files of the folder")
    with warnings.catch_warnings(action="ignore"):
        read(tensors, storage_reader=reader, no_dist=True)
    return checkpoint


def _name(key: Key) -> str:
    return "/".join(map(str, key))
