"""Opening images of any size that a person names, without Pillow's warnings of attacks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 1 << 30
_PROGRAMS = ("EPS", "WMF")  # Pillow has other programs run them
_LIMIT = threading.RLock()  # Pillow's limit is one for the whole process


@contextmanager
def opened(data: bytes, *, channels: int = 1) -> Iterator["Image"]:
    """The image in a file of which only the header is read; ``channels`` may lie beside each other as pixels."""
    from PIL import Image, UnidentifiedImageError

    with _LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image: Image.Image = Image.open(BytesIO(data))
        except UnidentifiedImageError:
            raise ValueError("it is no image, or of a kind that Pillow does not know") from None
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with image:
        if image.format in _PROGRAMS:
            raise ValueError(f"{image.format} is a program that draws, not an image: convert it first")
        check_size(image.height, image.width // channels)
        yield image


def check_size(height: int, width: int) -> None:
    """Refuse what would fill the memory."""
    if height * width > MOST_PIXELS:
        raise ValueError(f"{width}x{height} pixels are more than 2^30: cut it into parts first")
