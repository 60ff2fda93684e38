"""PNG: its chunks, and those that stand before the pixels."""

import struct
import zlib
from collections.abc import Iterator

from cfmrestore.imageio.exif import PREFIX
from cfmrestore.imageio.picture import Picture, fitting_icc

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INCH = 0.0254  # meters
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels
_METADATA = (b"iCCP", b"pHYs", b"eXIf", b"iTXt", b"tEXt", b"zTXt")


def frames(data: bytes) -> int:
    """Number of frames of an animation; 1 of an image."""
    return next((int.from_bytes(data[at + 8 : at + 12]) for kind, at, _ in _chunks(data) if kind == b"acTL"), 1)


def without_pixels(data: bytes) -> bytes:
    """The metadata of a file around a single pixel; they may stand behind the pixels, too."""
    kept = [data[at:end] for kind, at, end in _chunks(data) if kind in _METADATA]
    pixel = _chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"".join((SIGNATURE, _header((1, 1), 8, 0), *kept, pixel, _chunk(b"IEND", b"")))


def head(picture: Picture) -> bytes:
    """All that stands before the pixels: size, profile, resolution, EXIF, XMP."""
    metadata = picture.metadata
    chunks = [_header(picture.size, picture.bits, _COLOR_TYPES[picture.pixels.shape[2]])]
    icc = fitting_icc(metadata.icc, gray=picture.gray)
    if icc:
        chunks.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    if metadata.dpi:
        chunks.append(_chunk(b"pHYs", struct.pack(">2IB", *(round(dpi / _INCH) for dpi in metadata.dpi), 1)))
    if metadata.exif:
        chunks.append(_chunk(b"eXIf", metadata.exif.removeprefix(PREFIX)))
    if metadata.xmp:
        chunks.append(_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp))
    return SIGNATURE + b"".join(chunks)


def _header(size: tuple[int, int], bits: int, color_type: int) -> bytes:
    height, width = size
    return _chunk(b"IHDR", struct.pack(">2I5B", width, height, bits, color_type, 0, 0, 0))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of every chunk."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at, at + 12 + length
        at += 12 + length
