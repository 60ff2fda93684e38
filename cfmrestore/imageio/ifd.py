"""Image file directories: the tags of TIFF and EXIF, read without changing a byte of a value."""

import struct
from collections.abc import Collection
from mmap import mmap
from typing import Any, Literal, NamedTuple

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
POINTERS = {0: (EXIF, GPS), EXIF: (INTEROPERABILITY,), GPS: (), INTEROPERABILITY: ()}
"""Tags whose value is the offset of a directory, 0 for the first, and those that may stand there: no circles."""

BYTE, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 3, 4, 5, 7, 16
_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I",
          16: "Q", 17: "q", 18: "Q"}  # fmt: skip
Data = bytes | bytearray | mmap
Tag = tuple[int, int, int, bytes]
"""Number, kind, count, and the bytes of the value."""


class Layout(NamedTuple):
    """Byte order, and the size of offsets."""

    order: Literal["<", ">"]
    big: bool  # BigTIFF: offsets of 8 bytes

    @property
    def codes(self) -> tuple[str, str]:
        """Struct codes of the number of entries, and of an offset."""
        return (f"{self.order}Q", f"{self.order}Q") if self.big else (f"{self.order}H", f"{self.order}I")

    @property
    def first_at(self) -> int:
        """Where the header holds the offset of the first directory."""
        return 8 if self.big else 4


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
    end: int  # the offset of the next directory stands just before


def header(data: Data) -> tuple[Layout, int]:
    """The layout, and the offset of the first directory."""
    orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
    order = orders.get(bytes(data[:2]))
    version = struct.unpack_from(f"{order}H", data, 2)[0] if order and len(data) >= 8 else 0
    if order is None or version not in (42, 43):
        raise ValueError("this is neither TIFF nor EXIF")
    layout = Layout(order, version == 43)
    return layout, struct.unpack_from(layout.codes[1], data, layout.first_at)[0]


def directory(data: Data, layout: Layout, at: int) -> Directory:
    """Read the directory at that offset; a value that lies outside of the data is an error."""
    count_code, offset_code = layout.codes
    number, offset, entries = struct.calcsize(count_code), struct.calcsize(offset_code), {}
    (count,) = struct.unpack_from(count_code, data, at)
    if at + number + count * (4 + 2 * offset) > len(data):
        raise ValueError("a directory of tags is cut off: the file is truncated")
    for position in range(at + number, at + number + count * (4 + 2 * offset), 4 + 2 * offset):
        tag, kind = struct.unpack_from(f"{layout.order}HH", data, position)
        items, value = struct.unpack_from(f"{layout.order}2{offset_code[-1]}", data, position + 4)
        length = items * struct.calcsize("=" + _CODES.get(kind, "B"))
        value_at = position + 4 + offset if length <= offset else value
        if value_at + length > len(data):
            raise ValueError(f"the value of tag {tag} lies outside of the file: it is truncated")
        entries[tag] = Entry(tag, kind, items, position, value_at, length)
    return Directory(entries, at, at + number + count * (4 + 2 * offset) + offset)


def numbers(data: Data, layout: Layout, entry: Entry) -> tuple[Any, ...]:
    """The value of a tag; a fraction is two numbers."""
    return struct.unpack_from(layout.order + _CODES.get(entry.kind, "B") * entry.items, data, entry.value_at)


def raw(data: Data, entry: Entry) -> bytes:
    """The bytes of a value."""
    return bytes(data[entry.value_at : entry.value_at + entry.length])


def pack(layout: Layout, tag: int, kind: int, *values: float) -> Tag:
    """A tag, its kind, its count and the bytes of its value."""
    code = _CODES[kind]
    return tag, kind, len(values) // len(code), struct.pack(layout.order + code[0] * len(values), *values)


def append(out: bytearray, layout: Layout, tags: list[Tag], base: int = 0) -> int:
    """Add a directory and its values at the end of ``out``, which begins at ``base`` of its file: its offset."""
    count_code, offset_code = layout.codes
    offset, entries = struct.calcsize(offset_code), bytearray()
    for tag, kind, count, value in sorted(tags):
        if len(value) > offset:
            out += b"\0" * (len(out) % 2)  # offsets are even
            at = base + len(out)
            out += value
            value = struct.pack(offset_code, at)
        entries += struct.pack(f"{layout.order}HH{offset_code[-1]}", tag, kind, count) + value.ljust(offset, b"\0")
    out += b"\0" * (len(out) % 2)
    at = base + len(out)
    out += struct.pack(count_code, len(tags)) + entries + b"\0" * offset
    return at


def copy(
    data: Data,
    layout: Layout,
    at: int,
    out: bytearray,
    target: Layout,
    *,
    base: int = 0,
    parent: int = 0,
    skip: Collection[int] = (),
) -> list[Tag]:
    """The tags of a directory in another layout; those that it points to are added at the end of ``out``."""
    tags = []
    for entry in directory(data, layout, at).entries.values():
        if entry.tag in POINTERS[parent]:
            source = int(numbers(data, layout, entry)[0])
            inner = copy(data, layout, source, out, target, base=base, parent=entry.tag)
            tags.append(pack(target, entry.tag, LONG8 if target.big else LONG, append(out, target, inner, base)))
        elif entry.tag not in skip:
            same = target.order == layout.order or entry.kind not in _CODES
            value = raw(data, entry) if same else pack(target, 0, entry.kind, *numbers(data, layout, entry))[3]
            tags.append((entry.tag, entry.kind, entry.items, value))
    return tags
