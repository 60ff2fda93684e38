"""Pictures for people: labeled panels of input, bicubic, restoration and target."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from cfmrestore.imageio.atomic import atomic
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import resize

_CAPTION = 18  # pixels


def to_pixels(image: Tensor) -> np.ndarray:
    """(3, h, w) in [0, 1] to (h, w, 3) of 8 bits."""
    return (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def panel(sample: dict[str, Any], side: int | None = None) -> np.ndarray:
    """One row: the input (its pixels as squares), bicubic, the result and the target, of these what there is.

    Args:
        sample: A result of the flow.
        side: Show a square of that side, from the middle of the image, so that rows of several images align.
    """
    restored, columns = sample["restored"], dict[str, Tensor]()
    size = (restored.shape[-2], restored.shape[-1])
    if "low" in sample:
        low, scale = sample["low"], sample["scale"]
        columns[f"input {low.shape[-1]}x{low.shape[-2]}"] = low.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
        columns["bicubic"] = resize(low[None], scale=scale)[0]
    made = "restored" if columns else "generated"
    columns[f"{made}, NFE {sample['nfe']}" if "nfe" in sample else "reconstructed"] = restored
    if "target" in sample:
        columns["target"] = sample["target"]
    side, width = (max(size), size[1]) if side is None else (side, min(side, max(size)))
    pictures = [
        np.concatenate([caption(text, width), framed(to_pixels(middle(crop_to(image, size), side)), width)])
        for text, image in columns.items()
    ]
    row = np.concatenate(pictures, axis=1)
    return np.concatenate([caption(sample.get("name", ""), row.shape[1]), row])


def framed(pixels: np.ndarray, width: int) -> np.ndarray:
    """White on the right, up to that width: then the columns of several rows align."""
    return np.pad(pixels, [(0, 0), (0, width - pixels.shape[1]), (0, 0)], constant_values=255)


def middle(image: Tensor, side: int) -> Tensor:
    """At most a square of that side."""
    top, left = (max(n - side, 0) // 2 for n in image.shape[-2:])
    return image[..., top : top + side, left : left + side]


def caption(text: str, width: int) -> np.ndarray:
    """A strip of white with a line of text."""
    from PIL import Image, ImageDraw

    strip = Image.new("RGB", (width, _CAPTION), "white")
    ImageDraw.Draw(strip).text((4, 3), text, fill="black")
    return np.asarray(strip)


def stack(rows: list[np.ndarray]) -> np.ndarray:
    """Rows below one another, filled up with white on the right."""
    width = max(row.shape[1] for row in rows)
    return np.concatenate([framed(row, width) for row in rows])


def write_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write a picture, whole or not at all."""
    _write(path, pixels, format="PNG")


def write_jpeg(path: str | Path, pixels: np.ndarray) -> None:
    """Write a picture as a JPEG file, for pages: a tenth of the size."""
    _write(path, pixels, format="JPEG", quality=92, subsampling=0)


def _write(path: str | Path, pixels: np.ndarray, **options: Any) -> None:
    from PIL import Image

    with atomic(path) as unfinished:
        Image.fromarray(pixels).save(unfinished, **options)
