"""Rectangles of a picture: where its error is largest, and the part around that place."""

from dataclasses import dataclass

import numpy as np


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
