"""EXIF and XMP of a picture whose pixels are upright and whose size may have changed."""

import re
import struct

from cfmrestore.imageio import ifd

PREFIX = b"Exif\0\0"  # as JPEG and Pillow write it
ORIENTATION = 0x0112
_THUMBNAIL = (0x0201, 0x0202)  # place and length
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
# Tags that say how the pixels of a TIFF lie in it, and what has a place of its own: resolution, ICC profile, XMP.
# Photoshop's layers and previews are of the old pixels.
STRUCTURE = frozenset(
    (*range(254, 260), *range(262, 267), 273, 274, *range(277, 285), *range(288, 294), 296, 297, 301, 317, 320, 321,
     *range(322, 326), 330, 332, 333, 334, 336, *range(338, 343), 347, *range(512, 522), *range(529, 533), 700, 34377,
     34675, 37724)
)  # fmt: skip
_XMP_ORIENTATION = rb"(tiff:Orientation(?:\s*=\s*[\"']|>\s*))(\d)"
_XMP_SIZES = (rb"((?:tiff:ImageWidth|exif:PixelXDimension)(?:\s*=\s*[\"']|>\s*))\d+",
              rb"((?:tiff:ImageLength|exif:PixelYDimension)(?:\s*=\s*[\"']|>\s*))\d+")  # fmt: skip


def upright(exif: bytes) -> bytes | None:
    """EXIF without orientation and thumbnail; the rest keeps its place, since makers' notes count on that.

    EXIF that cannot be understood is left out: it says nothing to anyone.
    """
    data = bytearray(exif.removeprefix(PREFIX))
    try:
        layout, at = ifd.header(data)
        found = _directories(data, layout, at)
        end = max(entry.value_at + entry.length for d in found for entry in d.entries.values())
        _drop_thumbnail(data, layout, found[0])
        kept = _without_orientation(data, layout, found[0])
    except (struct.error, ValueError):
        return None
    return PREFIX + bytes(data[: max(end, *(d.end for d in found))]) if kept else None


def from_tiff(data: bytes) -> bytes | None:
    """What a TIFF says beside its pixels, as EXIF."""
    try:
        layout, at = ifd.header(data)
        target = ifd.Layout(layout.order, big=False)
        out = bytearray(struct.pack(f"{layout.order}2sHI", b"II" if layout.order == "<" else b"MM", 42, 0))
        first = ifd.append(out, target, ifd.copy(data, layout, at, out, target, skip=STRUCTURE))
    except (struct.error, ValueError):
        return None
    struct.pack_into(f"{layout.order}I", out, 4, first)
    return upright(bytes(out))


def resized(exif: bytes, size: tuple[int, int]) -> bytes:
    """Set the size in pixels (h, w) wherever the EXIF names one."""
    data = bytearray(exif.removeprefix(PREFIX))
    layout, at = ifd.header(data)
    for tags in _directories(data, layout, at):
        for tag, entry in tags.entries.items():
            if tag in _WIDTHS + _HEIGHTS:
                struct.pack_into(f"{layout.order}HHII", data, entry.at, tag, ifd.LONG, 1, size[tag in _WIDTHS])
    return PREFIX + bytes(data)


def xmp_orientation(xmp: bytes | None) -> int:
    """Orientation that XMP names, for pixels of which EXIF names none."""
    found = re.search(_XMP_ORIENTATION, xmp or b"")
    return int(found[2]) if found else 1


def upright_xmp(xmp: bytes) -> bytes:
    """XMP that calls the picture upright."""
    return re.sub(_XMP_ORIENTATION, rb"\g<1>1", xmp)


def resized_xmp(xmp: bytes, size: tuple[int, int]) -> bytes:
    """Set the size in pixels (h, w) wherever the XMP names one."""
    for pattern, pixels in zip(_XMP_SIZES, reversed(size), strict=True):
        xmp = re.sub(pattern, rb"\g<1>%d" % pixels, xmp)
    return xmp


def _directories(data: bytearray, layout: ifd.Layout, at: int, parent: int = 0) -> list[ifd.Directory]:
    """The directory at that place, to which the tag ``parent`` points, and those to which it points."""
    first = ifd.directory(data, layout, at)
    found = [first]
    for tag in ifd.POINTERS[parent]:
        if tag in first.entries:
            found += _directories(data, layout, int(ifd.numbers(data, layout, first.entries[tag])[0]), tag)
    return found


def _drop_thumbnail(data: bytearray, layout: ifd.Layout, first: ifd.Directory) -> None:
    (at,) = struct.unpack_from(f"{layout.order}I", data, first.end - 4)
    struct.pack_into("4x", data, first.end - 4)
    try:
        entries = ifd.directory(data, layout, at).entries if at else {}
    except (struct.error, ValueError):
        return  # a broken thumbnail is no loss
    if all(tag in entries for tag in _THUMBNAIL):
        place, length = (int(ifd.numbers(data, layout, entries[tag])[0]) for tag in _THUMBNAIL)
        if place + length <= len(data):
            data[place : place + length] = bytes(length)


def _without_orientation(data: bytearray, layout: ifd.Layout, first: ifd.Directory) -> int:
    """Take the entry out, move those behind it up: the number of entries that are left."""
    (count,) = struct.unpack_from(f"{layout.order}H", data, first.at)
    if ORIENTATION in first.entries:
        at = first.entries[ORIENTATION].at
        data[at : first.end] = data[at + 12 : first.end] + bytes(12)
        struct.pack_into(f"{layout.order}H", data, first.at, count - 1)
        count -= 1
    return count
