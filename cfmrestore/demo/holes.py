"""Holes of an uploaded picture: painted in the page, or white in a file; no web framework is needed to call it."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cfmrestore.demo.uploads import Limits, open_upload, to_displayable
from cfmrestore.restore.masks import mask_of

CANVAS_SIDE = 1024  # pixels on which one paints, along the longer side, whatever the picture's size
CANVAS_BYTES = 5 << 20  # of a canvas or its layer as a file, which the browser sends: four a pixel, and some


def canvas_of(path: str | Path, limits: Limits) -> Image.Image:
    """The uploaded picture at the size at which it is painted on."""
    image = to_displayable(open_upload(path, limits))
    return image.resize(_canvas_size(image.size), Image.Resampling.BICUBIC)


def _canvas_size(size: tuple[int, int]) -> tuple[int, int]:
    scale = CANVAS_SIDE / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def holes_of(
    size: tuple[int, int], *, painted: str | Path | None, file: str | Path | None, limits: Limits
) -> Image.Image:
    """The mask of a picture of that size, white where it was painted on or where the file is white."""
    holes = _strokes(painted, size) if painted else np.zeros(size[::-1], bool)
    if file:
        picture = torch.empty(1, 3, size[1], size[0])
        holes = holes | mask_of(open_upload(file, limits), picture)[0, 0].bool().numpy()
    if not holes.any():
        raise ValueError("Paint over what is to be filled.")
    return Image.fromarray(holes.astype(np.uint8) * 255)


def _strokes(layer: str | Path, size: tuple[int, int]) -> np.ndarray:
    """Where a layer is at least half as opaque as its strokes are, at the picture's size."""
    image = open_upload(layer, Limits(max_side=2 * CANVAS_SIDE, max_bytes=CANVAS_BYTES))
    width, height = _canvas_size(size)
    if abs(image.width * height - image.height * width) > 2 * max(image.size):
        raise ValueError("What was painted is not of this picture's shape. Take the picture anew, and paint again.")
    alpha = np.asarray(image.convert("RGBA").getchannel("A")).astype(int)
    strokes = Image.fromarray((alpha > 0) & (2 * alpha >= alpha.max()))
    return np.asarray(strokes.resize(size, Image.Resampling.NEAREST))
