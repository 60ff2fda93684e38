"""Directories of tags: the structure that TIFF and EXIF share, read without changing a byte of a value."""

import struct
from collections.abc import Collection
from typing import Any, Literal, NamedTuple

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
POINTERS: dict[int, tuple[int, ...]] = {EXIF: (INTEROPERABILITY,), GPS: (), INTEROPERABILITY: ()}
"""Tags whose value is the place of another directory, and the pointers that may stand there: no circles."""

SHORT, LONG, RATIONAL, UNDEFINED = 3, 4, 5, 7
_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
          16: "Q", 17: "q", 18: "Q"}  # fmt: skip


class Layout(NamedTuple):
    """How numbers and directories are written."""

    order: Literal["<", ">"]
    big: bool  # BigTIFF: places of 8 bytes

    @property
    def codes(self) -> tuple[str, str]:
        """Of the number of entries, and of a place."""
        return (f"{self.order}Q", f"{self.order}Q") if self.big else (f"{self.order}H", f"{self.order}I")


class Entry(NamedTuple):
    """One tag of a directory: where it stands, and where its value does."""

    tag: int
    kind: int
    items: int
    at: int
    value_at: int
    length: int  # of the value, in bytes


class Directory(NamedTuple):
    """The tags of one directory, by number."""

    entries: dict[int, Entry]
    at: int
    end: int  # the place of the next directory stands just before


def header(data: bytes | bytearray) -> tuple[Layout, int]:
    """The layout, and the place of the first directory."""
    orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
    order = orders.get(bytes(data[:2]))
    version = struct.unpack_from(f"{order}H", data, 2)[0] if order and len(data) >= 8 else 0
    if order is None or version not in (42, 43):
        raise ValueError("this is neither TIFF nor EXIF")
    layout = Layout(order, version == 43)
    return layout, struct.unpack_from(layout.codes[1], data, 8 if layout.big else 4)[0]


def directory(data: bytes | bytearray, layout: Layout, at: int) -> Directory:
    """Read the directory at that place; a value that lies outside of the data is an error."""
    count_code, place_code = layout.codes
    number, place, entries = struct.calcsize(count_code), struct.calcsize(place_code), {}
    (count,) = struct.unpack_from(count_code, data, at)
    if at + number + count * (4 + 2 * place) > len(data):
        raise ValueError("a directory of tags is cut off")
    for position in range(at + number, at + number + count * (4 + 2 * place), 4 + 2 * place):
        tag, kind = struct.unpack_from(f"{layout.order}HH", data, position)
        items, value = struct.unpack_from(f"{layout.order}2{place_code[-1]}", data, position + 4)
        length = items * struct.calcsize("=" + _CODES.get(kind, "B"))
        value_at = position + 4 + place if length <= place else value
        if value_at + length > len(data):
            raise ValueError(f"the value of tag {tag} lies outside of the file: it is cut off")
        entries[tag] = Entry(tag, kind, items, position, value_at, length)
    return Directory(entries, at, at + number + count * (4 + 2 * place) + place)


def numbers(data: bytes | bytearray, layout: Layout, entry: Entry) -> tuple[Any, ...]:
    """The value of a tag; a fraction is two numbers."""
    return struct.unpack_from(layout.order + _CODES.get(entry.kind, "B") * entry.items, data, entry.value_at)


def raw(data: bytes | bytearray, entry: Entry) -> bytes:
    """The bytes of a value."""
    return bytes(data[entry.value_at : entry.value_at + entry.length])


def pack(layout: Layout, tag: int, kind: int, *values: float) -> tuple[int, int, int, bytes]:
    """A tag, its kind, its count and the bytes of its value."""
    code = _CODES[kind]
    return tag, kind, len(values) // len(code), struct.pack(layout.order + code[0] * len(values), *values)


def append(out: bytearray, layout: Layout, tags: list[tuple[int, int, int, bytes]], base: int = 0) -> int:
    """Add a directory and its values at the end of ``out``, which begins at ``base`` of its file: its place."""
    count_code, place_code = layout.codes
    place, entries = struct.calcsize(place_code), bytearray()
    for tag, kind, count, value in sorted(tags):
        if len(value) > place:
            out += b"\0" * (len(out) % 2)  # places are even
            at = base + len(out)
            out += value
            value = struct.pack(place_code, at)
        entries += struct.pack(f"{layout.order}HH{place_code[-1]}", tag, kind, count) + value.ljust(place, b"\0")
    out += b"\0" * (len(out) % 2)
    at = base + len(out)
    out += struct.pack(count_code, len(tags)) + entries + b"\0" * place
    return at


def copy(
    data: bytes,
    layout: Layout,
    at: int,
    out: bytearray,
    target: Layout,
    *,
    pointers: Collection[int] = (EXIF, GPS),
    skip: Collection[int] = (),
) -> int:
    """Add a directory and those that it points to at the end of ``out``: its place there."""
    tags = []
    for entry in directory(data, layout, at).entries.values():
        if entry.tag in pointers:
            source = int(numbers(data, layout, entry)[0])
            place = copy(data, layout, source, out, target, pointers=POINTERS[entry.tag])
            tags.append(pack(target, entry.tag, LONG, place))
        elif entry.tag not in skip:
            tags.append((entry.tag, entry.kind, entry.items, raw(data, entry)))
    return append(out, target, tags)
