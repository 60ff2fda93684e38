"""Finding and reading image files."""

from io import BytesIO
from pathlib import Path

import numpy as np

EXTENSIONS = frozenset(
    (
        ".png",
        ".jpg",
        ".jpeg",
        ".jfif",
        ".webp",
        ".bmp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pnm",
        ".gif",
        ".jp2",
        ".avif",
    )
)


SPLITS = ("all", "train", "held_out")
_EVERY = 4  # the first of so many files is held out


def list_images(root: str | Path, split: str = "all") -> list[Path]:
    """The image files below a folder, sorted by their path; one clear error where there are none.

    Args:
        root: The folder.
        split: "held_out" takes every fourth, beginning with the first; "train" the others. It goes by their places:
            where files are added to a folder, it is another split.
    """
    if split not in SPLITS:
        raise ValueError(f"split is one of {', '.join(SPLITS)}; got {split!r}")
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"there is no folder {str(root)!r}: name a folder of images")
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
    if not paths:
        raise ValueError(f"the folder {str(root)!r} holds no images ({' '.join(sorted(EXTENSIONS))})")
    own = [path for n, path in enumerate(paths) if split == "all" or (n % _EVERY == 0) == (split == "held_out")]
    if not own:
        raise ValueError(f"the folder {str(root)!r} holds too few images to hold any out")
    return own


def read_image(path: str | Path) -> np.ndarray:
    """An image file as RGB of 8 bits, upright: gray, palette, CMYK, alpha and 16 bits are converted.

    Pillow reads first, since it notices a truncated file; what it does not know, OpenCV tries.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    data = Path(path).read_bytes()
    try:
        with Image.open(BytesIO(data)) as image:
            return _to_rgb(np.asarray(ImageOps.exif_transpose(_plain(image))))
    except UnidentifiedImageError:
        return _read_with_opencv(data, path)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"cannot read {str(path)!r}: {error}") from error


def _plain(image):  # type: ignore[no-untyped-def] # PIL is imported where it is needed
    """Leave what numpy understands, turn the rest into RGB."""
    return image if image.mode in ("RGB", "L") or image.mode.startswith(("I", "F")) else image.convert("RGB")


def _read_with_opencv(data: bytes, path: str | Path) -> np.ndarray:
    import cv2

    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise ValueError(f"cannot read {str(path)!r}: neither Pillow nor OpenCV knows this file")
    return np.ascontiguousarray(image[..., ::-1])


def _to_rgb(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype != np.uint8:
        top = 65535.0 if np.issubdtype(pixels.dtype, np.integer) else max(float(pixels.max()), 1.0)
        pixels = np.rint(pixels.astype(np.float64) * (255 / top)).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels[..., None], (*pixels.shape, 3)) if pixels.ndim == 2 else pixels)
