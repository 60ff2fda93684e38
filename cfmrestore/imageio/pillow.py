"""Pillow: its images in and out, the metadata of files, and the formats that libvips does not know."""

import math
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cfmrestore.imageio import exif
from cfmrestore.imageio.modes import pixels_of
from cfmrestore.imageio.orientation import upright
from cfmrestore.imageio.picture import Metadata, Picture, check_size, fitting_icc

if TYPE_CHECKING:
    from PIL.Image import Image

_PROGRAMS = ("EPS", "WMF")  # Pillow has other programs run them
_LIMIT = threading.RLock()  # Pillow's limit is one for the whole process
_PNG_XMP = "XML:com.adobe.xmp"
_RESOLUTION, _IPTC = 0x011A, 0x0404


@contextmanager
def opened(data: bytes) -> Iterator["Image"]:
    """The image in a file of which only the header is read, of any size, without Pillow's warnings of attacks."""
    from PIL import Image, UnidentifiedImageError

    with _LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image: Image.Image = Image.open(BytesIO(data))
        except UnidentifiedImageError:
            raise ValueError("it is no image, or of a kind that is not known") from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with image:
        if image.format in _PROGRAMS:
            raise ValueError(f"{image.format} is a program that draws, not an image: convert it first")
        check_size(image.height, image.width)
        yield image


def from_pil(image: "Image") -> Picture:
    """A picture of Pillow, turned upright, with what belongs to it."""
    image.load()  # some formats tell their metadata after the pixels
    pixels, name = upright(pixels_of(image), orientation_of(image)), (image.format or "png").lower()
    metadata = metadata_of(image)
    metadata = replace(metadata, icc=fitting_icc(metadata.icc, gray=pixels.shape[2] <= 2))
    return Picture(pixels, metadata, "jpeg" if name == "mpo" else name)


def to_pil(picture: Picture) -> "Image":
    """The picture for Pillow, which knows 16 bits of gray alone; its ``info`` holds what belongs to it."""
    from PIL import Image

    pixels, metadata = picture.pixels, picture.metadata
    if picture.bits == 16 and pixels.shape[2] > 1:
        raise ValueError(
            f"Pillow has no picture of 16 bits and {pixels.shape[2]} channels: round it to 8 bits with rounded(picture)"
        )
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    info = {
        "icc_profile": metadata.icc,
        "exif": metadata.exif,
        "xmp": metadata.xmp,
        "photoshop": metadata.iptc and {_IPTC: metadata.iptc},
        "dpi": metadata.dpi,
    }
    image.info.update({key: value for key, value in info.items() if value})
    return image


def orientation_of(image: "Image") -> int:
    """EXIF's orientation of the pixels, 1 to 8."""
    try:
        return image.getexif().get(exif.ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, struct.error):  # broken EXIF says nothing
        return 1


def metadata_of(image: "Image") -> Metadata:
    """What belongs to the pixels, once they are upright."""
    info = image.info
    xmp = info.get("xmp") or info.get(_PNG_XMP)
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return Metadata(
        icc=info.get("icc_profile"),
        exif=_exif(image),
        xmp=exif.upright_xmp(xmp) if xmp else None,
        iptc=info.get("photoshop", {}).get(_IPTC),
        dpi=_dpi(image),
    )


def _exif(image: "Image") -> bytes | None:
    if "exif" in image.info:
        return exif.upright(image.info["exif"])
    try:  # of a TIFF, or from the text of an old PNG
        return exif.from_tiff(image.getexif().tobytes().removeprefix(exif.PREFIX))
    except (OSError, ValueError, TypeError, KeyError, struct.error):  # a broken one says nothing
        return None


def _dpi(image: "Image") -> tuple[float, float] | None:
    dpi: Any = image.info.get("dpi")
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit", 0) not in (1, 2):
        dpi = dpi if _RESOLUTION in image.getexif() else None  # else Pillow takes it to be 72
    if dpi is None or not all(math.isfinite(value) and value > 0 for value in dpi):
        return None
    return _whole(float(dpi[0])), _whole(float(dpi[1]))


def _whole(dpi: float) -> float:
    """PNG counts pixels a meter: 72 dpi come back as 72.009."""
    return float(round(dpi)) if abs(dpi - round(dpi)) < 0.0128 else round(dpi, 2)
