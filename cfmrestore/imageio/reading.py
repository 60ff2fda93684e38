"""Image files found below a folder, and read without losing anything."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL.Image import Image

from cfmrestore.imageio import png, vips
from cfmrestore.imageio.orientation import upright, upright_size
from cfmrestore.imageio.picture import Metadata, Picture, fitting_icc, to_eight_bits
from cfmrestore.imageio.pillow import from_pil, metadata_of, opened, orientation_of
from cfmrestore.imageio.tiff import Tiff, from_cmyk

EXTENSIONS = frozenset(
    (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm", ".gif", ".jp2",
     ".avif")
)  # fmt: skip
SPLITS = ("all", "train", "held_out")
_EVERY = 4  # the first of so many files is held out
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_picture(path: str | Path) -> Picture:
    """An image file as it is: upright, with its alpha, its 16 bits, its gray, and what belongs to it.

    CMYK, LAB and palettes become RGB; 16 bits are kept of PNG, TIFF and gray pictures. Of a phone's several pictures
    in one JPEG the first is read; other files of several are refused.
    """
    with _data(path) as data:
        name = _format(data)
        if name == "tiff":
            file = Tiff(data)
            _check_frames(file.pages)
            return _picture(file.pixels(), file.metadata, name)
        with _header(data, name) as image:
            if name is None:
                _check_frames(getattr(image, "n_frames", 1))
                return from_pil(image)
            pixels = _pixels(data, name, single=True)
            return _picture(upright(pixels, orientation_of(image)), metadata_of(image), name)


def read_image(path: str | Path | bytes) -> np.ndarray:
    """An image file, or its bytes, as RGB of 8 bits (h, w, 3), upright: all else is converted, alpha is left out.

    Of several frames or pages the first is read.
    """
    with _data(path) as data:
        name = _format(data)
        if name == "tiff":
            pixels = Tiff(data).pixels()
        else:
            with _header(data, name) as image:
                pixels = upright(_pixels(data, name), orientation_of(image)) if name else from_pil(image).pixels
    colors = pixels[..., :1] if pixels.shape[2] <= 2 else pixels[..., :3]
    eight = colors if colors.dtype == np.uint8 else to_eight_bits(colors)
    return np.ascontiguousarray(np.broadcast_to(eight, (*eight.shape[:2], 3)))


def read_label_map(path: str | Path | bytes) -> np.ndarray:
    """A file of class indices, 8 bits (h, w): gray levels, or the indices of a palette, whose colors mean nothing."""
    with _data(path) as data, opened(data) as image:
        if image.mode not in ("L", "P"):
            raise ValueError(
                f"a label map has one class index of 8 bits a pixel, gray or with a palette; this is {image.mode}"
            )
        return np.array(image)


def read_size(path: str | Path) -> tuple[int, int]:
    """Height and width of an image, upright, from the head of its file."""
    with _data(path) as data:
        name = _format(data)
        if name == "tiff":
            return Tiff(data).size
        with _header(data, name) as image:
            source = vips.header(data, name) if name else image
            return upright_size((source.height, source.width), orientation_of(image))


def check_folder(root: str | Path, holds: str = "images") -> None:
    """Refuse a folder that is not there."""
    if not Path(root).is_dir():
        raise ValueError(f"there is no folder {str(root)!r}: name a folder of {holds}")


def list_images(root: str | Path, split: str = "all") -> list[Path]:
    """The image files below a folder, sorted by their path; one clear error where there are none.

    "held_out" takes every fourth, beginning with the first; "train" the others. A split goes by their places: where
    files are added to a folder, it is another one. Hidden files and folders are none of them.
    """
    if split not in SPLITS:
        raise ValueError(f"split is one of {', '.join(SPLITS)}; got {split!r}")
    root = Path(root)
    check_folder(root)
    found = (path for path in root.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
    paths = sorted(path for path in found if not any(part[0] == "." for part in path.relative_to(root).parts))
    if not paths:
        raise ValueError(f"the folder {str(root)!r} holds no images ({' '.join(sorted(EXTENSIONS))})")
    chosen = [path for n, path in enumerate(paths) if split == "all" or (n % _EVERY == 0) == (split == "held_out")]
    if not chosen:
        raise ValueError(f"the folder {str(root)!r} holds too few images to hold any out")
    return chosen


def some_images(root: str | Path, split: str = "all", count: int | None = None) -> list[Path]:
    """So many of the image files below a folder, at most, evenly out of all."""
    files = list_images(root, split)
    count = len(files) if count is None else min(count, len(files))
    return [files[i * len(files) // count] for i in range(count)]


def images_by_name(root: str | Path) -> dict[str, Path]:
    """The image files below a folder by their paths there without the endings, which no two share; or a file alone."""
    root = Path(root)
    if root.is_file():
        return {root.stem: root}
    named: dict[str, Path] = {}
    for path in list_images(root):
        name = path.relative_to(root).with_suffix("").as_posix()
        if name in named:
            raise ValueError(f"{named[name]} and {path} have one name: keep one of them")
        named[name] = path
    return named


@contextmanager
def _data(path: str | Path | bytes) -> Iterator[bytes]:
    """The bytes of a file, with errors that name it."""
    name = f"{len(path)} bytes" if isinstance(path, bytes) else repr(str(path))
    try:
        data = path if isinstance(path, bytes) else Path(path).read_bytes()
        if not data:
            raise ValueError("the file is empty")
        yield data
    except FileNotFoundError:
        raise ValueError(f"there is no file {name}") from None
    except Exception as error:  # broken files make decoders fail in many ways
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"cannot read {name}: {reason}") from error


def _format(data: bytes) -> str | None:
    """The format that its first bytes tell, if it is one that libvips decodes here; Pillow decodes the others.

    Not WebP, for which libvips starts threads that a fork does not copy; nor AVIF: where color has half the
    resolution libvips repeats it, and Pillow interpolates it, 2 dB nearer to the original.
    """
    if data.startswith(png.SIGNATURE):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    return "tiff" if data.startswith(_TIFF) else None


def _header(data: bytes, name: str | None) -> AbstractContextManager[Image]:
    """The file in Pillow, for its metadata: libvips cannot tell a resolution from none."""
    return opened(png.without_pixels(data) if name == "png" else data)


def _pixels(data: bytes, name: str, *, single: bool = False) -> np.ndarray:
    """Pixels as they lie in a PNG or JPEG; an animation is an error if it must hold a single image."""
    if single and name == "png":
        _check_frames(png.frames(data))
    image = vips.header(data, name)
    pixels = vips.pixels(image)
    if image.interpretation != "cmyk":
        return pixels
    return from_cmyk(pixels, image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else None)


def _picture(pixels: np.ndarray, metadata: Metadata, name: str) -> Picture:
    return Picture(pixels, replace(metadata, icc=fitting_icc(metadata.icc, gray=pixels.shape[2] <= 2)), name)


def _check_frames(frames: int) -> None:
    if frames > 1:
        raise ValueError(f"it holds {frames} frames or pages: extract its frames first")
