"""Files that are either complete or absent."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 200  # bytes of a name that are kept: file systems have names of 255
_MASK = os.umask(0)  # which is told only where it is set
os.umask(_MASK)


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Write to the path that is given out; it takes the place of ``path`` only when all of it is on the disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    name = os.fsencode(path.name)[:_LONGEST].decode(errors="ignore")
    unfinished = path.with_name(f".{name}.{threading.get_native_id()}.{os.getpid()}.tmp")
    try:
        yield unfinished
        with unfinished.open("r+b") as file:  # Windows syncs what is open for writing
            os.fsync(file.fileno())
        unfinished.chmod(0o666 & ~_MASK)  # some libraries leave what they write to its owner alone
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Replace a text file."""
    with atomic(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def check_free(files: Iterable[Path], overwrite: bool = False) -> None:
    """Refuse to replace what is there, unless that is asked for."""
    there = [file for file in files if file.exists()]
    if there and not overwrite:
        raise ValueError(f"{there[0]} is there already: --overwrite replaces it")
