"""Files with what real ones have, made by hand or by Pillow."""

import struct
import zlib

import numpy as np
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from cfmrestore.imageio import Metadata
from cfmrestore.imageio.ifd import LONG, SHORT, Layout, append, pack

RGB_ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_ICC = RGB_ICC[:16] + b"GRAY" + RGB_ICC[20:]
MAKER_NOTE = bytes(range(200))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6" exif:PixelXDimension="7"/></x:xmpmeta>'
IPTC = b"\x1c\x02\x50\x00\x05maker"


def pixels(channels: int, bits: int = 8, size: tuple[int, int] = (11, 7)) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, 2**bits, (*size, channels)).astype(f"uint{bits}")


def exif(orientation: int = 6) -> Image.Exif:
    made = Image.Exif()
    made[0x010F], made[0x0110], made[0x0112] = "Maker", "Model \u2603".encode().decode("latin1"), orientation
    made.get_ifd(0x8769).update(
        {
            0x829A: IFDRational(1, 250),
            0x8827: 400,
            0x927C: MAKER_NOTE,
            0xA002: 7,
            0xA003: 11,
            0x9204: IFDRational(-1, 3),
        }
    )
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 12.5)})
    return made


def load(data: bytes | None) -> Image.Exif:
    """EXIF as another program understands it."""
    assert data is not None
    loaded = Image.Exif()
    loaded.load(data)
    return loaded


def metadata(channels: int) -> Metadata:
    """All that a file can have, as it is read."""
    made = exif()
    del made[0x0112]
    icc = GRAY_ICC if channels < 3 else RGB_ICC
    return Metadata(icc=icc, exif=made.tobytes(), xmp=XMP.replace(b'"6"', b'"1"'), dpi=(300, 72))


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values: np.ndarray, *chunks: bytes, kind: int, bits: int = 16, last: bytes = b"") -> bytes:
    """A PNG of 16 or 8 bits, or of less whose values are packed already; ``last`` stands behind the pixels."""
    rows = values.astype(">u2" if bits == 16 else np.uint8)
    width = values.shape[1] * (8 // bits if bits < 8 else 1)
    header = struct.pack(">2I5B", width, len(values), bits, kind, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", packed), last, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(values: np.ndarray, order: str = "<", *, big: bool = False, planar: bool = False, tile: bool = False,
         **tags: int) -> bytes:  # fmt: skip
    """A TIFF with the tags that are named by their number, as ``t262=2``."""
    layout, bits = Layout(order, big), values.dtype.itemsize * 8  # type: ignore[arg-type]
    height, width, samples = values.shape
    mark = b"II" if order == "<" else b"MM"
    start = struct.pack(f"{order}2s3HQ", mark, 43, 8, 0, 0) if big else struct.pack(f"{order}2sHI", mark, 42, 0)
    parts = [values]
    if tile:
        padded = np.pad(values, [(0, -height % 16), (0, -width % 16), (0, 0)])
        parts = [padded[y : y + 16, x : x + 16] for y in range(0, height, 16) for x in range(0, width, 16)]
    if planar:
        parts = [part[..., i] for i in range(samples) for part in parts]
    blobs = [zlib.compress(part.astype(values.dtype.newbyteorder(order)).tobytes()) for part in parts]
    offsets = np.cumsum([len(start), *map(len, blobs)]).tolist()
    rows = [pack(layout, 324 if tile else 273, LONG, *offsets[:-1]),
            pack(layout, 325 if tile else 279, LONG, *map(len, blobs)),
            pack(layout, 258, SHORT, *[bits] * samples)]  # fmt: skip
    written = {"t256": width, "t257": height, "t259": 8, "t277": samples, "t284": 1 + planar}
    written |= {"t322": 16, "t323": 16} if tile else {"t278": height}
    rows += [pack(layout, int(key[1:]), SHORT, value) for key, value in (written | tags).items()]
    out = bytearray(start + b"".join(blobs))
    at = append(out, layout, rows)
    struct.pack_into(layout.codes[1], out, 8 if big else 4, at)
    return bytes(out)
