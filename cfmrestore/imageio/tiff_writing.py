"""TIFF as libvips encodes its pixels, with all that belongs to the picture."""

import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path

from cfmrestore.imageio import tiff, vips
from cfmrestore.imageio.exif import PREFIX, STRUCTURE
from cfmrestore.imageio.ifd import BYTE, RATIONAL, SHORT, UNDEFINED, Layout, Tag, append, copy, header, pack
from cfmrestore.imageio.picture import Metadata, Picture, fitting_icc

_SMALL = 2**32 - 2**27  # bytes of pixels for which offsets of 32 bits do
_INVENTED = (tiff.RESOLUTION_X, tiff.RESOLUTION_Y, tiff.RESOLUTION_UNIT)


def write(path: Path, picture: Picture) -> None:
    """Write a TIFF, or a BigTIFF where it may have more than 4 GiB.

    libvips writes no EXIF, and a resolution always: the directory is written anew at the end of the file.
    """
    vips.write_tiff(picture.pixels, path, big=picture.pixels.nbytes > _SMALL)
    with path.open("r+b") as file:
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            layout, first = header(data)
            out = bytearray(len(data) % 2)
            base = len(data)
            described = _described(picture.metadata, layout, out, base, gray=picture.gray)
            tags = {tag[0]: tag for tag in described + copy(data, layout, first, out, layout, skip=_INVENTED)}
        at = append(out, layout, list(tags.values()), base)
        file.seek(base)
        file.write(out)
        file.seek(layout.first_at)
        file.write(struct.pack(layout.codes[1], at))


def _described(metadata: Metadata, layout: Layout, out: bytearray, base: int, *, gray: bool) -> list[Tag]:
    """The tags of the metadata; directories within EXIF are added to ``out``."""
    tags: list[Tag] = []
    if metadata.iptc:
        tags.append((tiff.IPTC, UNDEFINED, len(metadata.iptc), metadata.iptc))
    if metadata.exif:
        exif = metadata.exif.removeprefix(PREFIX)
        tags += copy(exif, *header(exif), out, layout, base=base, skip=STRUCTURE)
    icc = fitting_icc(metadata.icc, gray=gray)
    if icc:
        tags.append((tiff.ICC, UNDEFINED, len(icc), icc))
    if metadata.xmp:
        tags.append((tiff.XMP, BYTE, len(metadata.xmp), metadata.xmp))
    if metadata.dpi:
        x, y = (round(dpi * 100) for dpi in metadata.dpi)
        tags.append(pack(layout, tiff.RESOLUTION_X, RATIONAL, x, 100))
        tags.append(pack(layout, tiff.RESOLUTION_Y, RATIONAL, y, 100))
        tags.append(pack(layout, tiff.RESOLUTION_UNIT, SHORT, tiff.INCH))
    return tags
