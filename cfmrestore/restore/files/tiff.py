"""TIFF: what its tags say, and pixels of 16 bits, which Pillow would round."""

import struct
from typing import Any

import numpy as np

from cfmrestore.restore.files import exif
from cfmrestore.restore.files.directories import LONG, SHORT, Layout, append, directory, header, numbers, pack, raw
from cfmrestore.restore.files.opening import check_size, opened
from cfmrestore.restore.files.picture import Metadata

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, STRIPS, SAMPLES, ROWS, STRIP_BYTES, PLANAR, PREDICTOR = (
    256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317)  # fmt: skip
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, EXTRA, FORMAT, XMP, ICC = 322, 323, 324, 325, 338, 339, 700, 34675
RESOLUTION_X, RESOLUTION_Y, RESOLUTION_UNIT = 282, 283, 296
_SUBFILE, _PREVIEW, _MASK, _PREMULTIPLIED, _RESERVED = 254, 1, 4, 1, 0
_INT, _INCH, _CENTIMETER, _LONG8 = 1, 2, 3, 16
_LONG_TAGS = (WIDTH, HEIGHT, ROWS, TILE_WIDTH, TILE_HEIGHT)


class Tiff:
    """The first page of a TIFF.

    Args:
        data: The file.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.layout, self._at = header(data)
        self.tags = directory(data, self.layout, self._at).entries

    def get(self, tag: int, default: Any = None) -> Any:
        """The first number of a tag."""
        return self.all(tag, (default,))[0]

    def all(self, tag: int, default: tuple[Any, ...] = ()) -> tuple[Any, ...]:
        """All numbers of a tag."""
        return numbers(self.data, self.layout, self.tags[tag]) if tag in self.tags else default

    @property
    def bits(self) -> int:
        """Of a value of a pixel; what cannot be restored is an error."""
        if self.get(_SUBFILE, 0) & _PREVIEW:
            raise ValueError("its first page is a preview, as in a camera's raw file: develop it to TIFF first")
        bits = self.all(BITS, (1,))
        if max(bits) > 8 and (set(bits) != {16} or self.get(FORMAT, _INT) != _INT):
            raise ValueError(f"values of {max(bits)} bits, floats or signed ones: convert it to 8 or 16 bits first")
        return max(bits)

    @property
    def pages(self) -> int:
        """Pictures in the file; previews and masks of a page are none."""
        at, seen, place = self._at, set[int](), struct.calcsize(self.layout.codes[1])
        pages = 0
        while at and at not in seen:
            seen.add(at)
            page = directory(self.data, self.layout, at)
            kind = numbers(self.data, self.layout, page.entries[_SUBFILE])[0] if _SUBFILE in page.entries else 0
            pages += not kind & (_PREVIEW | _MASK)
            (at,) = struct.unpack_from(self.layout.codes[1], self.data, page.end - place)
        return pages

    @property
    def metadata(self) -> Metadata:
        """What belongs to the pixels."""
        icc, xmp = (raw(self.data, self.tags[tag]) if tag in self.tags else None for tag in (ICC, XMP))
        return Metadata(icc=icc, exif=exif.of_tiff(self.data), xmp=xmp and exif.upright_xmp(xmp), dpi=self._dpi())

    def _dpi(self) -> tuple[float, float] | None:
        unit = {_INCH: 1.0, _CENTIMETER: 2.54}.get(self.get(RESOLUTION_UNIT, _INCH))
        fractions = [self.all(tag) for tag in (RESOLUTION_X, RESOLUTION_Y)]
        if unit is None or any(len(fraction) != 2 or 0 in fraction for fraction in fractions):
            return None
        x, y = (round(above / below * unit, 2) for above, below in fractions)
        return x, y

    def sixteen_bits(self) -> np.ndarray:
        """The pixels as they lie in the file: gray or RGB, with or without alpha, black at 0."""
        check_size(self.get(HEIGHT), self.get(WIDTH))
        kind, samples = self.get(PHOTOMETRIC), self.get(SAMPLES, 1)
        colors = {0: 1, 1: 1, 2: 3}.get(kind, 0)
        if not colors or samples < colors:
            raise ValueError(f"a TIFF of 16 bits in the colors {kind} (262): convert it to RGB or to 8 bits first")
        if self.get(PLANAR, 1) == 2:
            pixels = np.concatenate([self._decode(1, plane, samples) for plane in range(samples)], axis=2)
        else:
            pixels = self._decode(samples, 0, 1)
        if kind == 0:
            pixels = np.concatenate([65535 - pixels[..., :1], pixels[..., 1:]], axis=2)
        extra = self.get(EXTRA, 2) if samples > colors else _RESERVED
        if extra == _PREMULTIPLIED:
            _divide(pixels[..., : colors + 1])
        return pixels[..., : colors + (extra != _RESERVED)]

    def _decode(self, samples: int, plane: int, planes: int) -> np.ndarray:
        """Pillow decodes gray of 16 bits alone: tell it that ``samples`` channels are a wider picture of one.

        Nor does it know BigTIFF of big-endian order: tell it that this is a small one.
        """
        layout = self.layout if self.layout.order == "<" else Layout(">", big=False)
        height, width = self.get(HEIGHT), self.get(WIDTH)
        tags = self._gray_tags(layout, samples, plane, planes)
        with opened(_with_directory(self.data, layout, tags), channels=samples) as image:
            image.load()
            if image.mode not in ("I;16", "I;16B"):
                raise ValueError(f"Pillow read 16 bits as {image.mode}")
            pixels = np.array(image).astype(np.uint16).reshape(height, width, samples)
        if self.get(PREDICTOR, 1) == 2:  # differences from left to right, each tile for itself
            step = self.get(TILE_WIDTH, width)
            for left in range(0, width, step):
                np.cumsum(pixels[:, left : left + step], axis=1, dtype=np.uint16, out=pixels[:, left : left + step])
        return pixels

    def _gray_tags(self, layout: Layout, samples: int, plane: int, planes: int) -> list[tuple[int, int, int, bytes]]:
        numbers_of = {WIDTH: self.get(WIDTH) * samples, HEIGHT: self.get(HEIGHT), BITS: 16, PHOTOMETRIC: 1, SAMPLES: 1}
        numbers_of |= {t: self.get(t) for t in (COMPRESSION, FILL_ORDER, ROWS, TILE_HEIGHT) if t in self.tags}
        if TILE_WIDTH in self.tags:
            numbers_of[TILE_WIDTH] = self.get(TILE_WIDTH) * samples
        tags = [pack(layout, t, LONG if t in _LONG_TAGS else SHORT, value) for t, value in numbers_of.items()]
        places = (t for t in (STRIPS, STRIP_BYTES, TILES, TILE_BYTES) if t in self.tags)
        return tags + [self._share(layout, tag, plane, planes) for tag in places]

    def _share(self, layout: Layout, tag: int, plane: int, planes: int) -> tuple[int, int, int, bytes]:
        values = self.all(tag)
        count = len(values) // planes
        kind = _LONG8 if layout.big else LONG
        return pack(layout, tag, kind, *values[plane * count : (plane + 1) * count])


def _with_directory(data: bytes, layout: Layout, tags: list[tuple[int, int, int, bytes]]) -> bytes:
    """The file with another header and first directory."""
    out = bytearray(b"\0" * (len(data) % 2))
    at = append(out, layout, tags, base=len(data))
    place = struct.pack(layout.codes[1], at)
    start = data[:8] if layout.big else data[:2] + struct.pack(f"{layout.order}H", 42)
    return b"".join((start, place, data[len(start) + len(place) :], out))


def _divide(pixels: np.ndarray) -> None:
    """Colors that were multiplied by alpha, as they were before."""
    alpha = pixels[..., -1:].astype(np.uint64)
    full = (pixels[..., :-1].astype(np.uint64) * 65535 + alpha // 2) // np.maximum(alpha, 1)
    pixels[..., :-1] = np.minimum(full, 65535)
