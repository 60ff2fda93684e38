"""Pixels of 8 or 16 bits as they stand in a file, and the metadata that belongs to them."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import ImageColor

from cfmrestore.imageio.exif import resized, resized_xmp

MAX_PIXELS = 1 << 30


@dataclass(frozen=True)
class Metadata:
    """What belongs to a file beside its pixels.

    Args:
        icc: Color profile, byte for byte; of the color space that the pixels have.
        exif: EXIF as Pillow keeps it in ``info["exif"]``, without orientation (the pixels are upright) and thumbnail.
        xmp: XMP packet.
        iptc: IPTC records of a JPEG; a TIFF's stand in ``exif``, as its other tags do.
        dpi: Pixels an inch, horizontally and vertically.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """An upright picture.

    Args:
        pixels: (h, w, c) of uint8 or uint16; c is 1 for gray, 2 for gray and alpha, 3 for RGB, 4 for RGBA.
        metadata: What belongs to it.
        format: ``"png"``, ``"jpeg"``, ``"webp"``, ``"tiff"``, or what Pillow calls it, in lower case.
    """

    pixels: np.ndarray
    metadata: Metadata
    format: str

    def __post_init__(self) -> None:
        shape, kind = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or not 1 <= shape[2] <= 4 or 0 in shape or kind not in (np.uint8, np.uint16):
            raise ValueError(f"pixels are (h, w, 1 to 4) of uint8 or uint16; got {shape} of {kind}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def gray(self) -> bool:
        """Whether there are no colors."""
        return self.pixels.shape[2] <= 2

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[2] % 2 == 0

    @property
    def bits(self) -> int:
        """Bits of a value of a pixel: 8 or 16."""
        return self.pixels.dtype.itemsize * 8


def resized_metadata(metadata: Metadata, size: tuple[int, int]) -> Metadata:
    """Metadata for pixels of another size (h, w): EXIF and XMP that name the size name this one."""
    return replace(
        metadata,
        exif=metadata.exif and resized(metadata.exif, size),
        xmp=metadata.xmp and resized_xmp(metadata.xmp, size),
    )


def rounded(picture: Picture) -> Picture:
    """The picture with 8 bits; 65535 becomes 255."""
    return picture if picture.bits == 8 else replace(picture, pixels=to_eight_bits(picture.pixels))


def color_of(text: str) -> tuple[int, int, int]:
    """Red, green and blue of a color that is told by its name, as #rrggbb, or as CSS has it."""
    try:
        color = ImageColor.getcolor(text, "RGB")
    except ValueError as error:
        raise ValueError(f"a color is white, #204060, or another that CSS knows; got {text!r}") from error
    assert isinstance(color, tuple)
    return color[0], color[1], color[2]


def flattened(picture: Picture, background: tuple[int, int, int]) -> Picture:
    """The picture before a color of 8 bits, where it has transparency; gray stays gray before gray."""
    if not picture.has_alpha:
        return picture
    gray = picture.gray and len(set(background)) == 1
    channels, top = 1 if gray else 3, int(np.iinfo(picture.pixels.dtype).max)
    behind = np.array(background[:channels], np.float32) / 255 * top
    flat = np.empty((*picture.size, channels), picture.pixels.dtype)
    for row, before in zip(flat, picture.pixels, strict=True):  # a row at a time, as a large image has no room for more
        alpha = before[:, -1:].astype(np.float32) / top
        row[:] = np.rint(behind + (before[:, :-1] - behind) * alpha)
    icc = fitting_icc(picture.metadata.icc, gray=gray)
    return replace(picture, pixels=flat, metadata=replace(picture.metadata, icc=icc))


def to_eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Values of 16 bits, rounded to the nearest of 8."""
    eight = np.empty(pixels.shape, np.uint8)
    for row, sixteen in zip(eight, pixels, strict=True):  # a row at a time: the whole would take 8 bytes a value
        row[:] = (sixteen.astype(np.uint32) * 255 + 32767) // 65535
    return eight


def check_size(height: int, width: int) -> None:
    """Refuse an image that would fill the memory."""
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width}x{height} pixels are more than 2^30: cut it into parts first")


def fitting_icc(icc: bytes | None, *, gray: bool) -> bytes | None:
    """The profile, if it is one of gray or of RGB as the pixels are: readers reject a file with any other."""
    return icc if icc and icc[16:20] == (b"GRAY" if gray else b"RGB ") else None


def to_planes(pixels: np.ndarray) -> np.ndarray:
    """(h, w, c) of integers as (c, h, w) of float32 in [0, 1]."""
    planes = np.empty((pixels.shape[2], *pixels.shape[:2]), np.float32)
    for index, plane in enumerate(planes):
        np.divide(pixels[..., index], np.iinfo(pixels.dtype).max, out=plane, casting="unsafe")
    return planes


def from_planes(planes: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The inverse of ``to_planes``, rounded; plane by plane, as a large image has no room for more."""
    pixels = np.empty((*planes.shape[1:], planes.shape[0]), dtype)
    for index, plane in enumerate(planes):
        np.rint(plane * np.iinfo(dtype).max, out=pixels[..., index], casting="unsafe")
    return pixels
