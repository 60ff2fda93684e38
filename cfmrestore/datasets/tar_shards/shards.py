"""Shards by their number, wherever they lie: how many samples each has, their keys and their bytes."""

import logging
import mmap
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cfmrestore.datasets.base import SourceError
from cfmrestore.datasets.tar_shards.remote import ShardCache, is_url, public_name
from cfmrestore.datasets.tar_shards.table import SUFFIX, ShardTable, TableHead, read_head, read_table, table_of

_OPEN = 16  # shards at once

T = TypeVar("T")


class TarShards:
    """Tar files, here or by URL, each with its table of places.

    A table is made where there is none, or where it is of another file: beside the shard if its folder can be written
    to, or else in the cache. Of a shard by URL it is fetched from beside it, or made of the fetched shard.

    Args:
        shards: Paths and URLs.
        cache: Of what is fetched.
    """

    def __init__(self, shards: Sequence[str], cache: ShardCache) -> None:
        self.shards, self.cache = shards, cache
        lost = [shard for shard in shards if not is_url(shard) and not Path(shard).is_file()]
        if lost:
            raise ValueError(f"{len(lost)} of {len(shards)} shards are not there, such as {lost[0]!r}")
        self._open: OrderedDict[int, mmap.mmap] = OrderedDict()
        self._tables: OrderedDict[int, ShardTable] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """Without the mappings, which belong to a process."""
        return {**self.__dict__, "_open": OrderedDict()}

    def head(self, number: int) -> TableHead:
        """How many samples and bytes a shard has; its table is made if need be."""
        return read_head(self._table_file(self.shards[number]))

    def table(self, number: int) -> ShardTable:
        """Keys and places of a shard."""
        return _kept(self._tables, number, lambda: read_table(self._table_file(self.shards[number])))

    def read(self, number: int, row: int) -> bytes:
        """The image file of a sample."""
        begin, size = self.table(number).places[row].tolist()
        return _kept(self._open, number, lambda: self._map(number))[begin : begin + size]

    def _map(self, number: int) -> mmap.mmap:
        shard, size = self.shards[number], self.table(number).size
        with self.cache.fetched(shard) if is_url(shard) else nullcontext(Path(shard)) as path, path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(data) != size:
            raise SourceError(
                f"the shard {public_name(shard)} has {len(data):,} bytes, and its table is of one of {size:,}: it is "
                f"cut off, or was changed; where it is right, remove its table (*{SUFFIX})"
            )
        return data

    def _table_file(self, shard: str) -> Path:
        """A table that is of the shard as it is, made or fetched if need be."""
        if is_url(shard):
            return self._remote_table_file(shard)
        path = Path(shard)
        status = path.stat()
        places = [path.with_name(path.name + SUFFIX), _beside(self.cache.place(str(path.resolve())))]
        for place in places:
            if place.is_file():
                head = read_head(place)
                if (head.size, head.modified) == (status.st_size, status.st_mtime_ns):
                    return place
        table = table_of(path, public_name(shard))
        try:
            table.write(places[0])
        except OSError:  # a folder that is only read
            table.write(places[1])
            return places[1]
        return places[0]

    def _remote_table_file(self, url: str) -> Path:
        place = _beside(self.cache.place(url))
        parts = urlsplit(url)
        beside = parts._replace(path=parts.path + SUFFIX).geturl()
        if not place.is_file() and not self.cache.fetch_table(beside, place):
            logging.getLogger("mmengine").info("counting the images of %s: it has no table beside it", public_name(url))
            with self.cache.fetched(url) as path:
                table_of(path, public_name(url)).write(place)
        return place


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _kept(found: OrderedDict[int, T], number: int, make: Callable[[], T]) -> T:
    """What was made of a shard before, or now; of many that which was not used for longest is let go."""
    if number not in found:
        found[number] = make()
        if len(found) > _OPEN:
            found.popitem(last=False)
    found.move_to_end(number)
    return found[number]
