"""libvips: pixels of PNG, JPEG and TIFF decoded, those of PNG and TIFF encoded."""

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.imageio.picture import check_size

_TYPES = {"uchar": np.uint8, "ushort": np.uint16}
_INTERPRETATIONS = {(1, 1): "b-w", (3, 1): "srgb", (1, 2): "grey16", (3, 2): "rgb16"}  # colors and bytes of a value
_ROWS = 64  # decoded at once
_writer: int | None = None  # the process that has worker threads
_FULL = {os.strerror(code): code for code in (errno.ENOSPC, errno.EDQUOT)}


def header(data: bytes, name: str) -> Any:
    """The image in a file ("png", "jpeg" or "tiff") of which only the header is decoded."""
    with _clear_errors("it is damaged or truncated"):
        image = getattr(_library().Image, f"{name}load_buffer")(data, access="sequential", fail_on="error")
    check_size(image.height, image.width)
    return image


def pixels(image: Any) -> np.ndarray:
    """All pixels (h, w, c), as they lie in the file.

    A region is filled by the thread that asks for it. What fills whole images has worker threads, which a fork does
    not copy: a data loader's worker would wait for them forever.
    """
    if image.format not in _TYPES:
        raise ValueError(f"its values are of type {image.format!r}: convert it to 8 or 16 bits first")
    values = np.empty((image.height, image.width, image.bands), _TYPES[image.format])
    with _clear_errors("it is damaged or truncated"):
        region = _library().Region.new(image)
        for top in range(0, image.height, _ROWS):
            rows = values[top : top + _ROWS]
            rows[:] = np.frombuffer(region.fetch(0, top, image.width, len(rows)), values.dtype).reshape(rows.shape)
    return values


def write_png(values: np.ndarray, path: Path, head: bytes) -> None:
    """Write pixels (h, w, c) as a PNG with all that stands before them."""
    encoded = path.with_suffix(".pixels")
    try:
        with _clear_errors("it cannot be written"):
            _image(values).pngsave(str(encoded), compression=6, filter="all", keep="none")
        with encoded.open("rb") as source, path.open("wb") as file:
            source.seek(source.read(1024).index(b"IDAT") - 4)
            file.write(head)
            shutil.copyfileobj(source, file)
    finally:
        encoded.unlink(missing_ok=True)


def write_tiff(values: np.ndarray, path: Path, *, big: bool) -> None:
    """Write pixels (h, w, c) as a TIFF that says nothing else."""
    with _clear_errors("it cannot be written"):
        _image(values).tiffsave(str(path), compression="deflate", predictor="horizontal", bigtiff=big, keep="none")


def _image(values: np.ndarray) -> Any:
    """Pixels for an encoder, whose worker threads a fork does not copy either."""
    global _writer
    _writer = _writer or os.getpid()
    if _writer != os.getpid():
        raise ValueError("a process that had written images was forked: start workers by the method 'spawn'")
    height, width, channels = values.shape
    kind = "uchar" if values.dtype == np.uint8 else "ushort"
    image = _library().Image.new_from_memory(np.ascontiguousarray(values), width, height, channels, kind)
    return image.copy(interpretation=_INTERPRETATIONS[1 if channels <= 2 else 3, values.itemsize])


@cache
def _library() -> Any:
    """pyvips, imported with the first file; where it is not in use already, on one thread and without a cache."""
    alone = "pyvips" not in sys.modules
    import pyvips

    if alone:
        pyvips.cache_set_max(0)
        if "VIPS_CONCURRENCY" not in os.environ:
            pyvips.concurrency_set(1)
    return pyvips


@contextmanager
def _clear_errors(what: str) -> Iterator[None]:
    try:
        yield
    except _library().Error as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        for text, code in _FULL.items():
            if any(text in line for line in lines):
                raise OSError(code, text) from error
        messages = dict.fromkeys(line for line in lines if line and "bad seek" not in line)  # each once
        raise ValueError("; ".join([what, *messages])) from error
