"""Tar shards of small pictures, and a server that gives out a folder of them."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from PIL import Image


def picture(seed: int, side: int = 16) -> bytes:
    """A PNG of noise, of which each is another."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def write_shards(folder: Path, counts: tuple[int, ...] = (3, 4, 2)) -> str:
    """Shards ``photos-000.tar`` and on, with a text beside each picture; their notation in braces."""
    for number, count in enumerate(counts):
        members = {}
        for row in range(count):
            members |= {f"{row:05d}.png": picture(100 * number + row), f"{row:05d}.txt": b"a picture"}
        write_tar(folder / f"photos-{number:03d}.tar", members)
    return f"{folder}/photos-{{000..{len(counts) - 1:03d}}}.tar"


class ShardServer(ThreadingHTTPServer):
    """Gives out a folder; a test reads what was asked, and has answers broken."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(ShardHandler, directory=str(folder)))
        self.asked: list[str] = []
        self.statuses: list[int] = []
        self.cut = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class ShardHandler(SimpleHTTPRequestHandler):
    server: ShardServer

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.statuses:
            self.send_error(self.server.statuses.pop(0))
        else:
            super().do_GET()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """The bytes without the last, where a connection is to break off."""
        data = source.read()
        outputfile.write(data[: len(data) - self.server.cut])


@contextmanager
def serve(folder: Path) -> Iterator[ShardServer]:
    server = ShardServer(folder)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
