"""Pictures of the page: stored once each, shown under a slider and, where the error is largest, as magnified crops."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_CROP = 64  # pixels
_LARGEST = 1600  # picture under the slider, in pixels
_SMALLEST = 480  # width in which a small picture is shown
_KINDS = ("bicubic", "restored", "target")


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """The pixels inside."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]

    def inside(self, outer: "Rectangle") -> "Rectangle":
        """The same place, counted from the corner of another window."""
        return Rectangle(self.top - outer.top, self.left - outer.left, self.height, self.width)


def largest_error(picture: np.ndarray, reference: np.ndarray, side: int) -> Rectangle:
    r"""The window that maximizes :math:`\sum_{p} \lVert x_p - y_p \rVert^2`, by a table of sums.

    Among equals it is the middle one, so that a single wrong pixel stands in the middle.

    Args:
        picture: (h, w, 3) of 8 bits.
        reference: The same.
        side: Of the window; a smaller picture makes it smaller.
    """
    error = np.square(picture.astype(np.int64) - reference.astype(np.int64)).sum(axis=2)
    height, width = (min(side, n) for n in error.shape)
    table = np.pad(error.cumsum(axis=0).cumsum(axis=1), [(1, 0), (1, 0)])
    rows = table[height:] - table[:-height]
    sums = rows[:, width:] - rows[:, :-width]
    tops, lefts = np.nonzero(sums == sums.max())
    top = tops[len(tops) // 2]
    lefts = lefts[tops == top]
    left = lefts[len(lefts) // 2]
    return Rectangle(int(top), int(left), height, width)


def around(window: Rectangle, size: tuple[int, int], limit: int) -> Rectangle:
    """At most ``limit`` pixels of a picture of that size in each direction, with the window in their middle."""
    height, width = (min(n, limit) for n in size)
    top = window.top + window.height // 2 - height // 2
    left = window.left + window.width // 2 - width // 2
    return Rectangle(min(max(top, 0), size[0] - height), min(max(left, 0), size[1] - width), height, width)


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
    """Check the pictures of an image (``what``, for messages), find its worst place, and store what is shown."""
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
    reference = next((name for name in ("target", "bicubic") if name in pictures), None)
    window = largest_error(restored, pictures[reference or "restored"], _CROP)
    view = around(window, restored.shape[:2], _LARGEST)
    ids = {name: store.add(view.cut(pixels)) for name, pixels in pictures.items()}
    return ShownImage(ids, restored.shape[:2], view, window.inside(view), reference)
