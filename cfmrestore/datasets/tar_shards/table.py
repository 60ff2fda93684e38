"""Tables of places: which images a tar file holds, and at which bytes."""

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.datasets.base import SourceError
from cfmrestore.imageio.atomic import write_text

SUFFIX = ".index"
EXTENSIONS = ("jpg", "jpeg", "png", "webp")  # the first that a sample has is its image
_FORMAT = 1
_BLOCK = tarfile.BLOCKSIZE
_MEMBER = re.compile(r"((?:.*/)?[^./]+)\.([^/]+)", re.DOTALL)


@dataclass(frozen=True)
class ShardTable:
    """What is known of a shard without its bytes.

    Args:
        size: Bytes of the tar file.
        modified: When it was written, in nanoseconds, where it was on this machine.
        keys: Names of the samples: the path of their files up to the first dot of the name.
        places: First byte and number of bytes of each sample's image.
    """

    size: int
    modified: int
    keys: tuple[str, ...]
    places: np.ndarray

    def write(self, path: Path) -> None:
        """Two lines of JSON: what the table is of, and the table."""
        head = {"format": _FORMAT, "size": self.size, "modified": self.modified, "count": len(self.keys)}
        table = {"keys": self.keys, "places": self.places.tolist()}
        write_text(path, f"{json.dumps(head)}\n{json.dumps(table, separators=(',', ':'))}\n")


@dataclass(frozen=True)
class TableHead:
    """The first line of a table: enough to count, and to see whether the table is of the file as it is."""

    size: int
    modified: int
    count: int


def read_head(path: Path) -> TableHead:
    """The first line alone."""
    try:
        with path.open(encoding="utf-8") as file:
            return _head(json.loads(file.readline(1000)))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def read_table(path: Path) -> ShardTable:
    """A table, whose places lie in the shard."""
    try:
        first, second = path.read_text(encoding="utf-8").splitlines()
        head, table = _head(json.loads(first)), json.loads(second)
        keys, places = tuple(table["keys"]), np.array(table["places"], dtype=np.int64).reshape(-1, 2)
        ends = places.sum(axis=1)
        if not len(keys) == len(places) == head.count or not all(isinstance(key, str) for key in keys):
            raise ValueError(f"{len(keys)} keys and {len(places)} places of {head.count} samples")
        if (places < 0).any() or (ends < 0).any() or (ends > head.size).any():
            raise ValueError("places lie outside the shard")
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _damaged(path, error) from error
    return ShardTable(head.size, head.modified, keys, places)


def _head(line: dict[str, Any]) -> TableHead:
    if line["format"] != _FORMAT:
        raise ValueError(f"it has format {line['format']}, this version reads {_FORMAT}")
    return TableHead(int(line["size"]), int(line["modified"]), int(line["count"]))


def _damaged(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path} is no table of a shard, or is damaged ({error}): remove it, and it is made again")


def table_of(path: Path, name: str) -> ShardTable:
    """The table of a tar file that is whole, from the headers of its members.

    Only regular files count; links and devices are left out, and nothing is unpacked.

    Args:
        path: The file.
        name: What messages call it.
    """
    try:
        status = path.stat()
        samples: dict[str, dict[str, tuple[int, int]]] = {}
        for member, place in _members(path):
            if match := _MEMBER.fullmatch(member):
                samples.setdefault(match[1], {})[match[2].lower()] = place
    except (OSError, tarfile.TarError, ValueError) as error:
        raise SourceError(
            f"the shard {name} is no tar file, or is cut off ({error}); of a compressed one nothing can be read at "
            "random: unpack it to .tar"
        ) from error
    found = {key: next((files[e] for e in EXTENSIONS if e in files), None) for key, files in samples.items()}
    images = {key: place for key, place in found.items() if place}
    if not images:
        raise SourceError(f"the shard {name} holds no images ({', '.join(EXTENSIONS)})")
    places = np.array(list(images.values()), dtype=np.int64)
    return ShardTable(status.st_size, status.st_mtime_ns, tuple(images), places)


def _members(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name and place of each regular file, up to the mark that ends an archive."""
    with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
        end = 0
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep them all
            if member.size < 0 or archive.offset <= end:
                raise ValueError(f"after byte {end} it goes backwards")
            end = archive.offset
            if member.isreg() and not member.issparse():
                yield member.name.removeprefix("./"), (member.offset_data, member.size)
        file.seek(end)
        if file.read(_BLOCK) != bytes(_BLOCK):  # tarfile takes what is no header for the end
            raise ValueError(f"no end mark after byte {end}")
