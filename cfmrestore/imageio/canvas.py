"""Images larger than memory, written part by part."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from cfmrestore.imageio.picture import Metadata, Picture
from cfmrestore.imageio.writing import check_writable, format_of, write_picture


@contextmanager
def canvas(
    path: str | Path,
    size: tuple[int, int],
    *,
    channels: int = 3,
    bits: int = 8,
    metadata: Metadata | None = None,
    quality: int = 95,
) -> Iterator[np.ndarray]:
    """Pixels (h, w, c) to fill in strips or tiles, in any order; at the end they become the file.

    They lie on the disk, beside the file and without a name, so that the system may take back their memory.

    .. code-block:: python

        with canvas("large.png", (20000, 20000)) as pixels:
            for top in range(0, 20000, 500):
                pixels[top : top + 500] = strip(top)

    Args:
        path: The file; its suffix names the format. PNG and TIFF are encoded row by row, the others as a whole.
        size: Height and width.
        channels: 1 for gray, 2 for gray and alpha, 3 for RGB, 4 for RGBA.
        bits: 8 or 16.
        metadata: What belongs to the pixels.
        quality: Quality of JPEG, WebP and AVIF.
    """
    check_writable(path, size, alpha=channels % 2 == 0, bits=bits)
    dtype, shape = np.dtype(f"uint{bits}"), (*size, channels)
    folder = Path(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # a full disk is noticed here: later it would end the process
            os.posix_fallocate(file.fileno(), 0, math.prod(shape) * dtype.itemsize)
        file.truncate(math.prod(shape) * dtype.itemsize)
        pixels = np.memmap(file, dtype, "r+", shape=shape)
        yield pixels
        write_picture(path, Picture(pixels, metadata or Metadata(), format_of(path)), quality=quality)
