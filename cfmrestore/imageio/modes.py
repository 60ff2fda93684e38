"""Pixels of Pillow's images of any mode, as gray or RGB with or without alpha."""

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_WITH_ALPHA = {"L": "LA", "RGB": "RGBA", "P": "RGBA"}
_TARGETS = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "P": "RGB", "RGB": "RGB", "RGBA": "RGBA",
            "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB"}  # fmt: skip


def pixels_of(image: "Image") -> np.ndarray:
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


def _sixteen_bits(image: "Image") -> np.ndarray:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"values from {values.min()} to {values.max()} are not 16 bits: scale them to 0 to 65535")
    gray = values.astype(np.uint16)[..., None]
    if "transparency" not in image.info:
        return gray
    return np.concatenate([gray, np.where(gray == image.info["transparency"], 0, 65535).astype(np.uint16)], axis=2)


def _from_cmyk(image: "Image") -> "Image":
    """CMYK to sRGB, by its profile where it has one that can be read."""
    from PIL import ImageCms

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
