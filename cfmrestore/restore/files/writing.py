"""Writing restored pictures with all that belongs to them."""

import warnings
from pathlib import Path
from typing import Any, BinaryIO

from cfmrestore.imageio.atomic import atomic
from cfmrestore.restore.files import png, tiff_writing
from cfmrestore.restore.files.picture import Picture, fitting_icc, rounded, to_pil

SUFFIXES = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jfif": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
_SIDES = {"jpeg": 65535, "webp": 16383, "png": 2**31 - 1, "tiff": 2**32 - 1}
_TIFF_BYTES = 2**32 - 2**26  # its places have 32 bits; the rest is for what belongs to the pixels
_SEGMENT = {"exif": 65533, "xmp": 65504}  # of a JPEG, in bytes


def check_writable(path: str | Path, size: tuple[int, int], *, alpha: bool, bits: int) -> None:
    """Refuse what the format of the suffix cannot hold; 16 bits in JPEG and WebP are rounded and so allowed.

    Args:
        path: The file to write.
        size: Height and width in pixels.
        alpha: Whether the picture has an alpha channel.
        bits: Of a value of a pixel: 8 or 16.
    """
    name = _format(path)
    if bits not in (8, 16):
        raise ValueError(f"files hold 8 or 16 bits, not {bits}")
    if alpha and name == "jpeg":
        raise ValueError(f"JPEG has no alpha, and {str(path)!r} needs it: write .png, .webp or .tiff")
    if max(size) > _SIDES[name]:
        raise ValueError(
            f"{name} holds at most {_SIDES[name]} pixels a side, and {str(path)!r} would have {size[1]}x{size[0]}: "
            "write .png or .tiff"
        )
    if name == "tiff" and size[0] * size[1] * (3 + alpha) * bits // 8 > _TIFF_BYTES:
        raise ValueError(f"TIFF holds 4 GiB, and {str(path)!r} might have more: write .png")


def write_picture(path: str | Path, picture: Picture, *, quality: int = 95) -> None:
    """Write an image file, whole or not at all, with what belongs to the picture.

    JPEG and WebP hold 8 bits: 16 are rounded. WebP knows no gray, and no resolution but that in EXIF.

    Args:
        path: The file; its suffix names the format.
        picture: What to write.
        quality: Of JPEG and WebP, 1 to 100.
    """
    check_writable(path, picture.size, alpha=picture.has_alpha, bits=picture.bits)
    if not 1 <= quality <= 100:
        raise ValueError(f"the quality is from 1 to 100; got {quality}")
    name = _format(path)
    with atomic(path) as unfinished, unfinished.open("w+b") as file:
        if name == "png":
            png.write(file, picture)
        elif name == "tiff":
            tiff_writing.write(file, picture)
        else:
            _with_pillow(file, rounded(picture), name, quality, path)


def _format(path: str | Path) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"cannot write {str(path)!r}: its suffix must be one of {' '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def _with_pillow(file: BinaryIO, picture: Picture, name: str, quality: int, path: str | Path) -> None:
    metadata, gray = picture.metadata, picture.gray and name == "jpeg"
    options: dict[str, Any] = {
        "icc_profile": fitting_icc(metadata.icc, gray=gray),
        "exif": metadata.exif or b"",
        "xmp": metadata.xmp or b"",
        "quality": quality,
    }
    if name == "jpeg":
        options |= {"subsampling": 0, "dpi": metadata.dpi or (0, 0)}
        for key, most in _SEGMENT.items():
            if len(options[key]) > most:
                warnings.warn(f"JPEG holds {most} bytes of {key}: {str(path)!r} goes without it", stacklevel=3)
                options[key] = b""
    else:
        options["exact"] = True  # colors below transparent pixels stay
    image = to_pil(picture)
    image.info.clear()  # what does not fit would be written from there
    image.save(file, format=name.upper(), **options)
