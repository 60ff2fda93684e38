"""TIFF of 8 and 16 bits, losslessly packed, with all that belongs to the picture."""

import struct
import zlib
from typing import BinaryIO

import numpy as np

from cfmrestore.restore.files import tiff
from cfmrestore.restore.files.directories import (
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Layout,
    append,
    directory,
    header,
    pack,
    raw,
)
from cfmrestore.restore.files.exif import PREFIX, STRUCTURE
from cfmrestore.restore.files.picture import Metadata, Picture, fitting_icc

_STRIP = 1 << 20  # bytes before packing
_DEFLATE, _DIFFERENCES, _UNASSOCIATED, _INCH = 8, 2, 2, 2
_BYTE = 1


def write(file: BinaryIO, picture: Picture) -> None:
    """Write a TIFF.

    The EXIF stands at the beginning, where its places are those of the file; its first directory is written anew at
    the end, together with the tags of the picture.
    """
    exif = (picture.metadata.exif or b"").removeprefix(PREFIX) or struct.pack("<2sHI", b"II", 42, 0)
    layout, first = header(exif)
    file.write(exif)
    rows = max(_STRIP // (picture.pixels[0].size * picture.pixels.itemsize), 1)
    places, lengths = [], []
    for top in range(0, picture.size[0], rows):
        packed = _packed(picture.pixels[top : top + rows], layout)
        places.append(file.tell())
        lengths.append(file.write(packed))
    file.write(b"\0" * (file.tell() % 2))
    tags = {tag[0]: tag for tag in _kept(exif, layout, first)}
    tags |= {tag[0]: tag for tag in _own(picture, layout, rows, places, lengths)}
    out = bytearray()
    at = append(out, layout, list(tags.values()), base=file.tell())
    file.write(out)
    file.seek(4)
    file.write(struct.pack(f"{layout.order}I", at))


def _packed(rows: np.ndarray, layout: Layout) -> bytes:
    differences = np.concatenate([rows[:, :1], rows[:, 1:] - rows[:, :-1]], axis=1)
    return zlib.compress(differences.astype(differences.dtype.newbyteorder(layout.order)).tobytes(), 6)


def _kept(exif: bytes, layout: Layout, first: int) -> list[tuple[int, int, int, bytes]]:
    """The tags of the EXIF that do not speak of pixels; those that point elsewhere still do."""
    entries = directory(exif, layout, first).entries.values() if first else ()
    return [(e.tag, e.kind, e.items, raw(exif, e)) for e in entries if e.tag not in STRUCTURE]


def _own(
    picture: Picture, layout: Layout, rows: int, places: list[int], lengths: list[int]
) -> list[tuple[int, int, int, bytes]]:
    (height, width), channels = picture.size, picture.pixels.shape[2]
    tags = [
        pack(layout, tiff.WIDTH, LONG, width),
        pack(layout, tiff.HEIGHT, LONG, height),
        pack(layout, tiff.BITS, SHORT, *[picture.bits] * channels),
        pack(layout, tiff.COMPRESSION, SHORT, _DEFLATE),
        pack(layout, tiff.PHOTOMETRIC, SHORT, 1 if picture.gray else 2),
        pack(layout, tiff.STRIPS, LONG, *places),
        pack(layout, tiff.SAMPLES, SHORT, channels),
        pack(layout, tiff.ROWS, LONG, rows),
        pack(layout, tiff.STRIP_BYTES, LONG, *lengths),
        pack(layout, tiff.PLANAR, SHORT, 1),
        pack(layout, tiff.PREDICTOR, SHORT, _DIFFERENCES),
        pack(layout, tiff.FORMAT, SHORT, *[1] * channels),
    ]
    if picture.has_alpha:
        tags.append(pack(layout, tiff.EXTRA, SHORT, _UNASSOCIATED))
    return tags + _described(picture.metadata, layout, gray=picture.gray)


def _described(metadata: Metadata, layout: Layout, *, gray: bool) -> list[tuple[int, int, int, bytes]]:
    tags, icc = [], fitting_icc(metadata.icc, gray=gray)
    if icc:
        tags.append((tiff.ICC, UNDEFINED, len(icc), icc))
    if metadata.xmp:
        tags.append((tiff.XMP, _BYTE, len(metadata.xmp), metadata.xmp))
    if metadata.dpi:
        x, y = (round(dpi * 100) for dpi in metadata.dpi)
        tags.append(pack(layout, tiff.RESOLUTION_X, RATIONAL, x, 100))
        tags.append(pack(layout, tiff.RESOLUTION_Y, RATIONAL, y, 100))
        tags.append(pack(layout, tiff.RESOLUTION_UNIT, SHORT, _INCH))
    return tags
