"""Reading image files without losing anything."""

import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cfmrestore.restore.files import exif, png
from cfmrestore.restore.files.modes import pixels_of, turned
from cfmrestore.restore.files.opening import opened
from cfmrestore.restore.files.picture import Metadata, Picture, fitting_icc
from cfmrestore.restore.files.tiff import Tiff

if TYPE_CHECKING:
    from PIL.Image import Image

_RESOLUTION = 0x011A
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_picture(path: str | Path) -> Picture:
    """An image file as it is: upright, with its alpha, its 16 bits, its gray, and what belongs to it.

    CMYK, LAB and palettes become RGB; 16 bits are kept of PNG, TIFF and gray pictures.
    """
    try:
        data = Path(path).read_bytes()
        if not data:
            raise ValueError("the file is empty")
        return _tiff(data) if data.startswith(_TIFF) else _other(data)
    except FileNotFoundError:
        raise ValueError(f"there is no file {str(path)!r}") from None
    except Exception as error:  # broken files make decoders fail in many ways
        raise ValueError(f"cannot read {str(path)!r}: {_reason(error)}") from error


def from_pil(image: "Image") -> Picture:
    """A picture of Pillow, turned upright, with what belongs to it."""
    from PIL import ImageOps

    image.load()  # some formats tell their metadata after the pixels
    metadata = _metadata(image)
    name = (image.format or "png").lower()
    return _picture(pixels_of(ImageOps.exif_transpose(image)), metadata, "jpeg" if name == "mpo" else name)


def _tiff(data: bytes) -> Picture:
    from PIL import ImageOps

    file = Tiff(data)
    _check_frames(file.pages)
    if file.bits == 16:
        return _picture(turned(file.sixteen_bits(), file.get(exif.ORIENTATION, 1)), file.metadata, "tiff")
    with opened(data) as image:
        return _picture(pixels_of(ImageOps.exif_transpose(image)), file.metadata, "tiff")


def _other(data: bytes) -> Picture:
    with opened(data) as image:
        if image.format != "MPO":  # of a phone's several pictures the first is the one
            _check_frames(getattr(image, "n_frames", 1))
        image.load()  # Pillow notices what is cut off
        bits, transparent = png.bits_of(data), image.info.get("transparency")
        if bits == 16:
            pixels = png.sixteen_bits(data, transparent)
            return _picture(turned(pixels, image.getexif().get(exif.ORIENTATION, 1)), _metadata(image), "png")
        if bits in (2, 4) and image.mode == "L" and transparent is not None:
            image.info["transparency"] = transparent * 255 // (2**bits - 1)  # as Pillow scales the pixels
        return from_pil(image)


def _check_frames(frames: int) -> None:
    if frames > 1:
        raise ValueError(f"it holds {frames} frames or pages: extract its frames first")


def _picture(pixels: np.ndarray, metadata: Metadata, name: str) -> Picture:
    return Picture(pixels, replace(metadata, icc=fitting_icc(metadata.icc, gray=pixels.shape[2] <= 2)), name)


def _metadata(image: "Image") -> Metadata:
    info = image.info
    xmp = info.get("xmp") or info.get(png.XMP_KEY)
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return Metadata(
        icc=info.get("icc_profile"), exif=_exif(image), xmp=exif.upright_xmp(xmp) if xmp else None, dpi=_dpi(image)
    )


def _exif(image: "Image") -> bytes | None:
    if "exif" in image.info:
        return exif.upright(image.info["exif"])
    try:  # of a TIFF, or from the text of an old PNG
        return exif.of_tiff(image.getexif().tobytes().removeprefix(exif.PREFIX))
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


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
