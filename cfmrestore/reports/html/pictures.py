"""Pictures of the page: stored once each, shown under a slider and as magnified crops."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cfmrestore.reports.html.rectangle import Rectangle, around, largest_error

_CROP = 64  # pixels
_LARGEST = 1600  # picture under the slider, in pixels
_SMALLEST = 480  # width in which a small picture is shown
_KINDS = ("bicubic", "restored", "target")


class PictureStore(list[str]):
    """Pictures as text, without loss: each is in the page once, and shown by its id in many places."""

    def add(self, pixels: np.ndarray) -> str:
        """The id of a new picture."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, format="WEBP", lossless=True, method=2, quality=60)
        self.append(base64.b64encode(file.getvalue()).decode())
        return f"picture-{len(self) - 1}"


@dataclass(frozen=True)
class ShownImage:
    """One image of the page."""

    ids: Mapping[str, str]  # of the stored pictures, by name
    size: tuple[int, int]  # of the whole image
    view: Rectangle  # the part that is stored
    window: Rectangle  # the worst place
    reference: str | None  # what the worst place was found against

    @property
    def lefts(self) -> list[str]:
        """What can stand on the left of the slider."""
        return [name for name in ("bicubic", "target") if name in self.ids]

    @property
    def enlarged(self) -> int:
        """Pixels of the screen a pixel of a small picture."""
        return max(1, _SMALLEST // self.view.width)


def store_view(given: Mapping[str, np.ndarray], store: PictureStore, what: str) -> ShownImage:
    """Check the pictures of an image, find its worst place, and store what is shown.

    Args:
        given: The pictures by name.
        store: Where they are kept.
        what: The image, for messages.
    """
    pictures = {name: np.asarray(given[name]) for name in _KINDS if name in given}
    if "restored" not in pictures:
        raise ValueError(f"{what} has no restored picture")
    restored = pictures["restored"]
    for name, pixels in pictures.items():
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape != (*restored.shape[:2], 3):
            raise ValueError(
                f"{what}: need (h, w, 3) of 8 bits, all of one size; got {pixels.dtype} of {pixels.shape} for {name!r} "
                f"beside {restored.shape}"
            )
    size = (restored.shape[0], restored.shape[1])
    reference = next((name for name in ("target", "bicubic") if name in pictures), None)
    window = largest_error(restored, pictures[reference or "restored"], _CROP)
    view = around(window, size, _LARGEST)
    ids = {name: store.add(view.cut(pixels)) for name, pixels in pictures.items()}
    return ShownImage(ids, size, view, window.inside(view), reference)
