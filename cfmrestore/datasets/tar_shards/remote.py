"""Shards by URL: fetched whole into a folder of limited size, from which those go that were not opened for longest."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from itertools import count
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from filelock import BaseFileLock, FileLock, Timeout

from cfmrestore.datasets.base import SourceError
from cfmrestore.imageio.atomic import atomic

SUFFIX = ".tar"
TRIES, WAIT = 4, 1.0  # seconds, twice as many after each try
_TIMEOUT = 60.0
_CHUNK = 1 << 20
_TABLE_LIMIT = 1 << 28
_BUSY = (408, 425, 429)


def is_url(shard: str) -> bool:
    """Whether a shard lies elsewhere; any scheme but http and https is an error."""
    scheme, found, _ = shard.partition("://")
    if shard.startswith("pipe:") or (found and scheme.lower() not in ("http", "https")):
        raise ValueError(f"a shard is a file or lies at http:// or https://, and no command is run; got {shard!r}")
    return bool(found)


def public_name(shard: str) -> str:
    """The shard as messages may name it: without a signature or a password in its address."""
    if not is_url(shard):
        return repr(shard)
    parts = urlsplit(shard)
    return repr(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


class RefusedError(SourceError):
    """What a server does not give, and will not when it is asked again."""


class ShardCache:
    """A folder of fetched shards, shared by processes.

    Args:
        folder: Where.
        limit: Bytes of all shards together, about.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit

    def place(self, shard: str) -> Path:
        """Where a shard lies if it is there: a name of its own, whatever the address holds."""
        name = unquote(urlsplit(shard).path).rpartition("/")[2].removesuffix(SUFFIX)
        clean = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[-80:]
        return self.folder / f"{hashlib.sha256(shard.encode()).hexdigest()[:16]}-{clean}{SUFFIX}"

    @contextmanager
    def fetched(self, url: str) -> Iterator[Path]:
        """The file of a shard, fetched if need be; it stays at least until the context ends."""
        path = self.place(url)
        with self._lock(path):
            if not path.is_file():
                self._download(url, path, self.limit, self._make_room)
            os.utime(path)
            yield path

    def fetch_table(self, url: str, path: Path) -> bool:
        """Fetch a table that lies beside its shard; whether the server gives one."""
        with self._lock(path):
            if not path.is_file():
                try:
                    self._download(url, path, _TABLE_LIMIT)
                except RefusedError:  # stores of objects forbid what is not there, or what no signature is for
                    return False
            return True

    def _download(self, url: str, path: Path, limit: int, make_room: Callable[[int], None] | None = None) -> None:
        """A file, whole or not at all."""
        for attempt in count(1):
            try:
                with urlopen(Request(url, headers={"User-Agent": "cfmrestore"}), timeout=_TIMEOUT) as answer:
                    _save(answer, path, limit, make_room)
                return
            except HTTPError as error:
                reason: Exception = error
                lasting = error.code < 500 and error.code not in _BUSY
            except (OSError, HTTPException, ValueError) as error:
                reason, lasting = error, isinstance(error, ValueError)
            if lasting or attempt == TRIES:
                tried = "" if lasting else f", tried {attempt} times"
                kind = RefusedError if lasting and isinstance(reason, HTTPError) else SourceError
                raise kind(f"cannot fetch the shard {public_name(url)}{tried}: {_line(reason)}") from reason
            time.sleep(WAIT * 2 ** (attempt - 1))

    def _lock(self, path: Path, timeout: float = -1) -> BaseFileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(path.with_name(f".{path.name}.lock"), timeout=timeout)

    def _make_room(self, size: int) -> None:
        """Remove shards until another fits; one that a process is about to open stays."""
        files = sorted(self._files())
        total = sum(own for _, own, _ in files) + size
        for _, own, path in files:
            if total <= self.limit:
                return
            try:
                with self._lock(path, timeout=0):
                    path.unlink(missing_ok=True)
                    total -= own
            except (Timeout, PermissionError):  # in use
                continue

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """When each shard was opened, its bytes, and where it is."""
        for path in self.folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):  # another process makes room, too
                status = path.stat()
                yield status.st_mtime_ns, status.st_size, path


def _save(answer: HTTPResponse, path: Path, limit: int, make_room: Callable[[int], None] | None) -> None:
    """Write what a server sends; less than it announced is an error."""
    announced = int(answer.headers.get("Content-Length", -1))
    if announced > limit:
        raise ValueError(f"it has {announced:,} bytes, and the cache takes {limit:,}: raise cache_gb")
    if make_room:
        make_room(max(announced, 0))
    with atomic(path) as unfinished, unfinished.open("wb") as out:
        while chunk := answer.read(_CHUNK):
            out.write(chunk)
            if out.tell() > limit:
                raise ValueError(f"it has more than the {limit:,} bytes that the cache takes: raise cache_gb")
        if announced >= 0 and out.tell() != announced:
            raise ConnectionError(f"{out.tell():,} of {announced:,} bytes came")


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
