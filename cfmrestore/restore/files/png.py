"""PNG of 8 and 16 bits: pixels that Pillow would round are read by OpenCV, and written here."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from cfmrestore.restore.files.exif import PREFIX
from cfmrestore.restore.files.modes import keyed
from cfmrestore.restore.files.picture import Picture, fitting_icc

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEY = "XML:com.adobe.xmp"
_INCH = 0.0254  # meters
_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}  # number of channels: color type
_BLOCK = 1 << 22  # bytes that are filtered at once


def bits_of(data: bytes) -> int:
    """Of a value of a pixel, or 0 if this is no PNG."""
    return data[24] if data.startswith(SIGNATURE) and len(data) > 25 else 0


def sixteen_bits(data: bytes, transparent: object) -> np.ndarray:
    """The pixels of a PNG of 16 bits as they lie, given the gray value that it calls transparent, if any."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("OpenCV cannot decode this PNG of 16 bits")
    if data[25] == 0:
        gray = pixels.reshape(*pixels.shape[:2], -1)[..., :1]
        return gray if transparent is None else keyed(gray, transparent)
    if data[25] == 4:  # OpenCV repeats gray three times before alpha
        return pixels[..., [0, -1]]
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


def write(file: BinaryIO, picture: Picture) -> None:
    """Write a PNG with the profile, EXIF, XMP and resolution of the picture."""
    (height, width), channels = picture.size, picture.pixels.shape[2]
    file.write(SIGNATURE)
    _chunk(file, b"IHDR", struct.pack(">2I5B", width, height, picture.bits, _KINDS[channels], 0, 0, 0))
    metadata = picture.metadata
    icc = fitting_icc(metadata.icc, gray=picture.gray)
    if icc:
        _chunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc))
    if metadata.dpi:
        _chunk(file, b"pHYs", struct.pack(">2IB", *(round(dpi / _INCH) for dpi in metadata.dpi), 1))
    if metadata.exif:
        _chunk(file, b"eXIf", metadata.exif.removeprefix(PREFIX))
    if metadata.xmp:
        _chunk(file, b"iTXt", XMP_KEY.encode() + b"\0\0\0\0\0" + metadata.xmp)
    encoder = zlib.compressobj(6)
    for block in _filtered(picture.pixels):
        for at in range(0, len(block), _BLOCK):
            packed = encoder.compress(block[at : at + _BLOCK])
            if packed:
                _chunk(file, b"IDAT", packed)
    _chunk(file, b"IDAT", encoder.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def _filtered(pixels: np.ndarray) -> Iterator[bytes]:
    """Rows as PNG packs them, each by the filter that leaves the smallest differences."""
    height, width, channels = pixels.shape
    length, far = width * channels * pixels.itemsize, channels * pixels.itemsize
    above = np.zeros((1, length), np.uint8)
    rows = max(_BLOCK // length, 1)
    for top in range(0, height, rows):
        block = np.ascontiguousarray(pixels[top : top + rows])
        values = block.astype(block.dtype.newbyteorder(">")).view(np.uint8).reshape(len(block), length)
        up = np.concatenate([above, values[:-1]])
        filters = {0: values, 1: values - _left(values, far), 2: values - up, 4: values - _paeth(values, up, far)}
        kinds = np.array(list(filters), np.uint8)
        costs = [np.abs(f.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64) for f in filters.values()]
        best = np.argmin(costs, axis=0)
        chosen = np.empty_like(values)
        for number, candidate in enumerate(filters.values()):
            chosen[best == number] = candidate[best == number]
        yield np.concatenate([kinds[best][:, None], chosen], axis=1).tobytes()
        above = values[-1:]


def _left(values: np.ndarray, far: int) -> np.ndarray:
    """The same channel of the pixel before."""
    return np.concatenate([np.zeros_like(values[:, :far]), values[:, :-far]], axis=1)


def _paeth(values: np.ndarray, up: np.ndarray, far: int) -> np.ndarray:
    """Of left, above and above left the one nearest to left + above - above left, in this order."""
    left, corner = _left(values, far), _left(up, far)
    a, b, c = left.astype(np.int16), up.astype(np.int16), corner.astype(np.int16)
    near_a, near_b, near_c = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    return np.where((near_a <= near_b) & (near_a <= near_c), left, np.where(near_b <= near_c, up, corner))
