"""Writing pictures with all that belongs to them, also those that are larger than memory."""

import errno
import math
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from cfmrestore.imageio import png, tiff, vips
from cfmrestore.imageio.atomic import atomic
from cfmrestore.imageio.picture import Metadata, Picture, fitting_icc, rounded
from cfmrestore.imageio.pillow import to_pil

SUFFIXES = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jfif": "jpeg",
    ".webp": "webp",
    ".avif": "avif",
    ".tif": "tiff",
    ".tiff": "tiff",
}
_SIDES = {"jpeg": 65535, "webp": 16383, "avif": 65535, "png": 2**31 - 1, "tiff": 2**32 - 1}
_SEGMENT = {"exif": 65533, "xmp": 65504, "iptc": 65500}  # of a JPEG, in bytes


def check_writable(path: str | Path, size: tuple[int, int], *, alpha: bool, bits: int) -> None:
    """Refuse a size (h, w), alpha or bits that the format of the suffix cannot hold, and a folder that takes no files.

    16 bits in JPEG, WebP and AVIF are rounded and so allowed.
    """
    name = format_of(path)
    if bits not in (8, 16):
        raise ValueError(f"files hold 8 or 16 bits, not {bits}")
    if alpha and name == "jpeg":
        raise ValueError(
            f"JPEG has no alpha, and {str(path)!r} needs it: write .png, .webp or .tiff, or flatten it "
            "(--background white)"
        )
    if max(size) > _SIDES[name]:
        raise ValueError(
            f"{name} holds at most {_SIDES[name]} pixels a side, and {str(path)!r} would have {size[1]}x{size[0]}: "
            "write .png or .tiff"
        )
    check_folder_writable(Path(path).absolute().parent)


def check_folder_writable(folder: Path) -> None:
    """Try to write into it, or where it would be made; permissions alone do not tell."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        TemporaryFile(dir=there).close()
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT):
            raise
        raise ValueError(f"the folder {str(folder)!r} cannot be written into: name another") from error


def write_picture(path: str | Path, picture: Picture, *, quality: int = 95) -> None:
    """Write an image file, whole or not at all, with what belongs to the picture.

    The suffix names the format. JPEG, WebP and AVIF have a quality, from 1 to 100, and hold 8 bits: 16 are rounded.
    WebP and AVIF know no resolution but that in EXIF, WebP no gray, and only JPEG and TIFF have a place for IPTC.
    """
    check_writable(path, picture.size, alpha=picture.has_alpha, bits=picture.bits)
    if not 1 <= quality <= 100:
        raise ValueError(f"the quality is from 1 to 100; got {quality}")
    name = format_of(path)
    if picture.bits == 16 and name not in ("tiff", "png"):
        warnings.warn(
            f"{name} holds 8 bits: the 16 of {str(path)!r} are rounded (.png and .tiff keep them)", stacklevel=2
        )
    with atomic(path) as unfinished:
        if name == "tiff":
            tiff.write(unfinished, picture)
        elif name == "png":
            vips.write_png(picture.pixels, unfinished, png.head(picture))
        else:
            _write_lossy(unfinished, rounded(picture), name, quality, path)


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


def format_of(path: str | Path) -> str:
    """The format of a file to write, by its suffix."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"cannot write {str(path)!r}: its suffix must be one of {' '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def _write_lossy(unfinished: Path, picture: Picture, name: str, quality: int, path: str | Path) -> None:
    """By Pillow, which leaves EXIF as it is: libvips writes it anew, moves makers' notes and invents tags."""
    metadata = _fitting(picture.metadata, path) if name == "jpeg" else picture.metadata
    options: dict[str, Any] = {
        "icc_profile": fitting_icc(metadata.icc, gray=picture.gray and name == "jpeg"),
        "exif": metadata.exif or b"",
        "xmp": metadata.xmp or b"",
        "quality": quality,
    }
    if name == "jpeg":
        options |= {"subsampling": 0, "dpi": metadata.dpi or (0, 0), "extra": _iptc_segment(metadata.iptc)}
    elif name == "webp":
        options["exact"] = True  # colors below transparent pixels stay
    else:
        options["subsampling"] = "4:4:4"
    image = to_pil(picture)
    image.info.clear()  # what does not fit would be written from there
    with unfinished.open("wb") as file:
        image.save(file, format=name.upper(), **options)


def _fitting(metadata: Metadata, path: str | Path) -> Metadata:
    """What the segments of a JPEG can hold; the rest is left out with a warning."""
    for key, most in _SEGMENT.items():
        if len(getattr(metadata, key) or b"") > most:
            warnings.warn(f"JPEG holds {most} bytes of {key}: {str(path)!r} goes without it", stacklevel=4)
            metadata = replace(metadata, **{key: None})
    return metadata


def _iptc_segment(iptc: bytes | None) -> bytes:
    """IPTC as Photoshop's resource in a JPEG."""
    if not iptc:
        return b""
    data = b"Photoshop 3.0\0" + struct.pack(">4sH2xI", b"8BIM", 0x0404, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    return struct.pack(">2sH", b"\xff\xed", len(data) + 2) + data
