"""TIFF: what its tags say, and what libvips leaves of it: separate planes, EXIF, rare compressions."""

import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cfmrestore.imageio import exif, ifd, vips
from cfmrestore.imageio.orientation import upright, upright_size
from cfmrestore.imageio.picture import Metadata, Picture, check_size, fitting_icc
from cfmrestore.imageio.pillow import from_pil, opened, pixels_of

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES, STRIP_BYTES = (
    254, 256, 257, 258, 259, 262, 273, 277, 279)  # fmt: skip
RESOLUTION_X, RESOLUTION_Y, PLANAR, RESOLUTION_UNIT, TILES, TILE_BYTES, EXTRA, FORMAT, XMP, IPTC, ICC = (
    282, 283, 284, 296, 324, 325, 338, 339, 700, 33723, 34675)  # fmt: skip
INCH, CENTIMETER = 2, 3
_PREVIEW, _MASK, _PREMULTIPLIED, _UNSIGNED, _CMYK, _LAB = 1, 4, 1, 1, 5, 8
_INVENTED = (RESOLUTION_X, RESOLUTION_Y, RESOLUTION_UNIT)  # by libvips
_SMALL = 2**32 - 2**27  # bytes of pixels for which offsets of 32 bits do
_KNOWN = (1, 2, 3, 4, 5, 7, 8, 32773, 32946)  # compressions that libvips decodes


class Tiff:
    """The tags of the first page of a TIFF.

    Args:
        data: The file.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.layout, self._at = ifd.header(data)
        self.tags = ifd.directory(data, self.layout, self._at).entries

    def get(self, tag: int, default: Any = None) -> Any:
        """The first number of a tag."""
        return self.all(tag, (default,))[0]

    def all(self, tag: int, default: tuple[Any, ...] = ()) -> tuple[Any, ...]:
        """All numbers of a tag."""
        return ifd.numbers(self.data, self.layout, self.tags[tag]) if tag in self.tags else default

    def _raw(self, tag: int) -> bytes | None:
        return ifd.raw(self.data, self.tags[tag]) if tag in self.tags else None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, upright."""
        return upright_size((self.get(HEIGHT), self.get(WIDTH)), self.orientation)

    @property
    def orientation(self) -> int:
        """Orientation of the pixels, 1 to 8."""
        return self.get(exif.ORIENTATION) or exif.xmp_orientation(self._raw(XMP))

    @property
    def pages(self) -> int:
        """Number of pictures in the file; previews and masks of a page are none."""
        at, seen, offset = self._at, set[int](), struct.calcsize(self.layout.codes[1])
        pages = 0
        while at and at not in seen:
            seen.add(at)
            page = ifd.directory(self.data, self.layout, at)
            kind = ifd.numbers(self.data, self.layout, page.entries[SUBFILE])[0] if SUBFILE in page.entries else 0
            pages += not kind & (_PREVIEW | _MASK)
            (at,) = struct.unpack_from(self.layout.codes[1], self.data, page.end - offset)
        return pages

    @property
    def metadata(self) -> Metadata:
        """What belongs to the pixels."""
        icc, xmp = self._raw(ICC), self._raw(XMP)
        return Metadata(icc=icc, exif=exif.from_tiff(self.data), xmp=xmp and exif.upright_xmp(xmp), dpi=self._dpi())

    def _dpi(self) -> tuple[float, float] | None:
        unit = {INCH: 1.0, CENTIMETER: 2.54}.get(self.get(RESOLUTION_UNIT, INCH))
        fractions = [self.all(tag) for tag in (RESOLUTION_X, RESOLUTION_Y)]
        if unit is None or any(len(fraction) != 2 or 0 in fraction for fraction in fractions):
            return None
        x, y = (round(above / below * unit, 2) for above, below in fractions)
        return x, y

    def pixels(self) -> np.ndarray:
        """The pixels (h, w, c), upright; what cannot be restored is an error."""
        bits, kind = max(self.all(BITS, (1,))), self.get(PHOTOMETRIC)
        self._check(bits, kind)
        if self.get(PLANAR, 1) == 2 and kind in (0, 1, 2):
            return upright(self._planes(), self.orientation)
        if kind == _LAB or self.get(COMPRESSION, 1) not in _KNOWN:
            if bits > 8 and self.get(SAMPLES, 1) > 1:
                raise ValueError("16 bits of a rare compression: save it uncompressed, or with LZW or Deflate")
            with opened(self.data) as image:
                return from_pil(image).pixels
        image = vips.header(self.data, "tiff")
        pixels = vips.pixels(image)
        rgb = from_cmyk(pixels, self._raw(ICC)) if kind == _CMYK else self._without_rest(pixels)
        return upright(rgb, self.orientation)

    def _check(self, bits: int, kind: int) -> None:
        check_size(self.get(HEIGHT), self.get(WIDTH))
        if self.get(SUBFILE, 0) & _PREVIEW:
            raise ValueError("its first page is a preview, as in a camera's raw file: develop it to TIFF first")
        if bits > 8 and (set(self.all(BITS)) != {16} or self.get(FORMAT, _UNSIGNED) != _UNSIGNED):
            raise ValueError(f"values of {bits} bits, floats or signed ones: convert it to 8 or 16 bits first")
        if bits > 8 and kind not in (0, 1, 2):
            raise ValueError(f"a TIFF of 16 bits in the colors {kind} (262): convert it to RGB or to 8 bits first")

    def _without_rest(self, pixels: np.ndarray) -> np.ndarray:
        """Gray or RGB, with alpha if the next channel is one."""
        colors = 1 if self.get(PHOTOMETRIC) in (0, 1) else 3
        return pixels[..., : colors + (self.get(EXTRA, 2) != 0)]

    def _planes(self) -> np.ndarray:
        """Channels that lie in planes of their own, each read as a gray TIFF.

        libvips refuses such tiles, and confuses the planes of gray and alpha.
        """
        planes = [vips.pixels(vips.header(self._plane(index), "tiff")) for index in range(self.get(SAMPLES, 1))]
        pixels = self._without_rest(np.concatenate(planes, axis=2))
        if self.get(EXTRA) == _PREMULTIPLIED:
            alpha, top = pixels[..., -1:].astype(np.uint64), np.iinfo(pixels.dtype).max
            full = (pixels[..., :-1].astype(np.uint64) * top + alpha // 2) // np.maximum(alpha, 1)
            pixels[..., :-1] = np.minimum(full, top)
        return pixels

    def _plane(self, index: int) -> bytes:
        """The file with a first directory of one plane alone."""
        layout, count, tags = self.layout, self.get(SAMPLES, 1), []
        inverted = self.get(PHOTOMETRIC) == 0 and index == 0
        changed = {BITS: self.get(BITS), SAMPLES: 1, PLANAR: 1, PHOTOMETRIC: 0 if inverted else 1}
        for entry in self.tags.values():
            if entry.tag in (STRIPS, STRIP_BYTES, TILES, TILE_BYTES):
                values = self.all(entry.tag)
                values = values[index * len(values) // count : (index + 1) * len(values) // count]
                tags.append(ifd.pack(layout, entry.tag, ifd.LONG8 if layout.big else ifd.LONG, *values))
            elif entry.tag in changed:
                tags.append(ifd.pack(layout, entry.tag, ifd.SHORT, changed[entry.tag]))
            elif entry.tag not in (EXTRA, FORMAT):
                tags.append((entry.tag, entry.kind, entry.items, ifd.raw(self.data, entry)))
        out = bytearray(self.data + b"\0" * (len(self.data) % 2))
        at = ifd.append(out, layout, tags)
        struct.pack_into(layout.codes[1], out, layout.first_at, at)
        return bytes(out)


def from_cmyk(pixels: np.ndarray, icc: bytes | None) -> np.ndarray:
    """RGB of CMYK, by its profile."""
    image = Image.fromarray(pixels[..., :4], "CMYK")
    image.info["icc_profile"] = icc
    return pixels_of(image)


def write(path: Path, picture: Picture) -> None:
    """Write a TIFF, or a BigTIFF where it may have more than 4 GiB.

    libvips writes no EXIF, and a resolution always: the directory is written anew at the end of the file.
    """
    vips.write_tiff(picture.pixels, path, big=picture.pixels.nbytes > _SMALL)
    with path.open("r+b") as file:
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            layout, first = ifd.header(data)
            out = bytearray(len(data) % 2)
            base = len(data)
            tags = _described(picture.metadata, layout, out, base, gray=picture.gray)
            tags += ifd.copy(data, layout, first, out, layout, skip=_INVENTED)
        at = ifd.append(out, layout, list({tag[0]: tag for tag in tags}.values()), base)
        file.seek(base)
        file.write(out)
        file.seek(layout.first_at)
        file.write(struct.pack(layout.codes[1], at))


def _described(metadata: Metadata, layout: ifd.Layout, out: bytearray, base: int, *, gray: bool) -> list[ifd.Tag]:
    """The tags of the metadata; directories within EXIF are added to ``out``."""
    icc = fitting_icc(metadata.icc, gray=gray)
    values = ((IPTC, ifd.UNDEFINED, metadata.iptc), (ICC, ifd.UNDEFINED, icc), (XMP, ifd.BYTE, metadata.xmp))
    tags = [(tag, kind, len(value), value) for tag, kind, value in values if value]
    if metadata.exif:
        data = metadata.exif.removeprefix(exif.PREFIX)
        tags += ifd.copy(data, *ifd.header(data), out, layout, base=base, skip=exif.STRUCTURE)
    if metadata.dpi:
        x, y = (round(dpi * 100) for dpi in metadata.dpi)
        tags.append(ifd.pack(layout, RESOLUTION_X, ifd.RATIONAL, x, 100))
        tags.append(ifd.pack(layout, RESOLUTION_Y, ifd.RATIONAL, y, 100))
        tags.append(ifd.pack(layout, RESOLUTION_UNIT, ifd.SHORT, INCH))
    return tags
