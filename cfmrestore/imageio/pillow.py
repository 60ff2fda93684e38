"""Pillow: its images in and out, the metadata of files, and the formats that libvips does not know."""

import math
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from cfmrestore.imageio import exif
from cfmrestore.imageio.orientation import upright
from cfmrestore.imageio.picture import Metadata, Picture, check_size, fitting_icc

_PROGRAMS = ("EPS", "WMF")  # Pillow has other programs run them
_LIMIT = threading.RLock()  # Pillow's limit is one for the whole process
_PNG_XMP = "XML:com.adobe.xmp"
_RESOLUTION, _IPTC = 0x011A, 0x0404
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA", "P": "RGBA"}
_TARGETS = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "P": "RGB", "RGB": "RGB", "RGBA": "RGBA",
            "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB"}  # fmt: skip


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """The image in a file of which only the header is read, of any size, without Pillow's warnings of attacks."""
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


def from_pil(image: Image.Image) -> Picture:
    """A picture of Pillow, turned upright, with what belongs to it."""
    image.load()  # some formats tell their metadata after the pixels
    pixels, name = upright(pixels_of(image), orientation_of(image)), (image.format or "png").lower()
    metadata = metadata_of(image)
    metadata = replace(metadata, icc=fitting_icc(metadata.icc, gray=pixels.shape[2] <= 2))
    return Picture(pixels, metadata, "jpeg" if name == "mpo" else name)


def to_pil(picture: Picture) -> Image.Image:
    """The picture for Pillow, which knows 16 bits of gray alone; its ``info`` holds what belongs to it."""
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


def pixels_of(image: Image.Image) -> np.ndarray:
    """(h, w, c) of uint8 or uint16; a mode of floats or of 32 bits is an error."""
    if image.mode.startswith("I"):
        return _sixteen_bits(image)
    if image.mode == "CMYK":
        image = _from_cmyk(image)
    elif image.mode == "1":  # its transparent value is 0 or 1, its pixels are 0 or 255
        image = image.convert("L")
        if "transparency" in image.info:
            image.info["transparency"] = 255 * bool(image.info["transparency"])
    if image.mode not in _TARGETS:
        raise ValueError(f"pictures of mode {image.mode!r} cannot be restored: convert it to 8 or 16 bits")
    target = _TARGETS[image.mode]
    if "transparency" in image.info or (image.mode == "P" and image.palette and image.palette.mode == "RGBA"):
        target = _WITH_ALPHA.get(image.mode, target)
    pixels = np.array(image if image.mode == target else image.convert(target))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _sixteen_bits(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"values from {values.min()} to {values.max()} are not 16 bits: scale them to 0 to 65535")
    gray = values.astype(np.uint16)[..., None]
    if "transparency" not in image.info:
        return gray
    return np.concatenate([gray, np.where(gray == image.info["transparency"], 0, 65535).astype(np.uint16)], axis=2)


def _from_cmyk(image: Image.Image) -> Image.Image:
    """CMYK to sRGB, by its profile where it has one that can be read."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile says no more than none
        else:
            if converted is not None:
                return converted
    return image.convert("RGB")


def orientation_of(image: Image.Image) -> int:
    """EXIF's orientation of the pixels, 1 to 8."""
    try:
        return image.getexif().get(exif.ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, struct.error):  # broken EXIF says nothing
        return 1


def metadata_of(image: Image.Image) -> Metadata:
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


def _exif(image: Image.Image) -> bytes | None:
    if "exif" in image.info:
        return exif.upright(image.info["exif"])
    try:  # of a TIFF, or from the text of an old PNG
        return exif.from_tiff(image.getexif().tobytes().removeprefix(exif.PREFIX))
    except (OSError, ValueError, TypeError, KeyError, struct.error):  # a broken one says nothing
        return None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    dpi: Any = image.info.get("dpi")
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit", 0) not in (1, 2):
        dpi = dpi if _RESOLUTION in image.getexif() else None  # else Pillow takes it to be 72
    if dpi is None or not all(math.isfinite(value) and value > 0 for value in dpi):
        return None
    return _whole(float(dpi[0])), _whole(float(dpi[1]))


def _whole(dpi: float) -> float:
    """PNG counts pixels a meter: 72 dpi come back as 72.009."""
    return float(round(dpi)) if abs(dpi - round(dpi)) < 0.0128 else round(dpi, 2)
