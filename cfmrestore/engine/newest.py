"""The newest checkpoint of a run that is whole, and what a run that was killed has left unfinished."""

import os
import re
from pathlib import Path
from zipfile import ZipFile

import psutil
import torch

from cfmrestore.engine import shards
from cfmrestore.engine.checkpoints import LAST


def check(path: Path) -> None:
    """Refuse a checkpoint whose bytes are not those that were written; torch does not compare its checksums.

    Shards have none, so that of them names and lengths are compared.
    """
    state = path / shards.STATE if path.is_dir() else path
    if not state.is_file():
        raise ValueError(f"{str(path)!r} is missing")
    try:
        with ZipFile(state) as archive:
            part = archive.testzip()
            folders = [one.filename for one in archive.infolist() if one.external_attr & 0x10]
        if path.is_dir():
            _check_shards(path)
    except Exception as error:  # what is no archive makes zipfile fail in many ways
        raise ValueError(f"{str(path)!r} is damaged: {error or type(error).__name__}") from error
    if part is not None or folders:  # what is marked as a folder, torch does not read
        raise ValueError(f"{str(path)!r} is damaged: the checksum of its part {part or folders[0]!r} is another")


def _check_shards(folder: Path) -> None:
    from safetensors import safe_open

    there = sorted(folder.glob("*.safetensors"))
    for shard in there:
        with safe_open(shard, framework="pt"):  # which compares its length with what it says of itself
            pass
    state = torch.load(folder / shards.STATE, map_location="meta", weights_only=True)
    if (files := state.get(shards.FILES)) is not None:  # older ones do not say it
        if {one.name: one.stat().st_size for one in there} != files:
            raise ValueError("shards are missing, or not as long as they were")
        return
    ranks, parts = {one.name.split("-")[1] for one in there}, {one.stem.split("-")[-1] for one in there}
    if not there or len(there) != len(ranks) * int(max(parts)):
        raise ValueError("shards are missing")


def newest_whole(work_dir: str | Path) -> tuple[Path | None, list[str]]:
    """The checkpoint that ``last_checkpoint`` names, or the one before that is whole; and what is wrong with others.

    A folder without checkpoints has none; one whose checkpoints are all damaged is an error.
    """
    folder, faults = Path(work_dir), []
    numbers = {
        int(found[1]): path
        for path in folder.glob("iter_*")
        if (found := _number(path.name)) and (path.suffix or shards.is_sharded(path))
    }
    order = [numbers[number] for number in sorted(numbers, reverse=True)]
    pointer = folder / LAST
    if pointer.is_file():
        newest = folder / Path(pointer.read_text(encoding="utf-8", errors="replace").strip()).name
        if found := _number(newest.name):  # of higher ones, a run before this one has left some
            order = [newest, *(numbers[number] for number in sorted(numbers, reverse=True) if number < int(found[1]))]
        else:
            faults.append(f"{str(pointer)!r} is damaged")
    elif order:
        faults.append(f"{str(pointer)!r} is missing")
    for path in order:
        try:
            check(path)
        except ValueError as error:
            faults.append(str(error))
        else:
            return path, faults
    if faults:
        raise ValueError(
            f"cannot resume, because no checkpoint is whole: {'; '.join(faults)}. Take a copy of one (--resume FILE), "
            "or begin anew without --resume"
        )
    return None, []


def _number(name: str) -> re.Match[str] | None:
    return re.fullmatch(r"iter_(\d+)(?:\.pth)?", name)


def remove_unfinished(work_dir: str | Path) -> None:
    """Delete what processes that were killed had begun to write."""
    for path in Path(work_dir).glob(".*.tmp"):
        found = re.fullmatch(r"\..+\.(\d+)\.tmp", path.name)
        if found and (int(found[1]) == os.getpid() or not psutil.pid_exists(int(found[1]))):
            path.unlink(missing_ok=True)
    shards.remove_unfinished(Path(work_dir))
