"""Pictures of a degradation: one image under several draws, and the kernels that were drawn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.datasets.base import to_tensor
from cfmrestore.degradations.base import Degradation
from cfmrestore.engine.config import presets
from cfmrestore.engine.panels import caption, middle, stack, to_pixels, write_png
from cfmrestore.imageio import read_image
from cfmrestore.imageio.atomic import check_free
from cfmrestore.ops.rng import ImageRng, mix
from cfmrestore.typing import Size

_SIDE = 256  # of an image on the sheet, in pixels
_GAP = 6
_KERNEL = 84  # of a kernel
_COLUMNS = 4


def preview(
    image: str | Path,
    preset: str,
    out: str | Path,
    *,
    draws: int = 11,
    scale: float | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> list[Path]:
    """Write a contact sheet, a .png file, and beside it, where kernels were drawn, a picture of them.

    Returns the files. The preset is a name or a path; a scale takes the place of its own. Files that are there are
    replaced with ``overwrite`` alone.
    """
    if draws < 1:
        raise ValueError(f"need one draw or more; got {draws}")
    out = Path(out)
    if out.suffix.lower() != ".png":
        raise ValueError(f"the preview is a .png file; got {str(out)!r}")
    if not Path(image).is_file():
        raise ValueError(f"the preview shows one image; {str(image)!r} is no file")
    second = out.with_name(f"{out.stem}_kernels.png")
    check_free([out], overwrite)
    recipe = presets.load_preset(preset, scale)
    chain, photograph = recipe.degradation, middle(to_tensor(read_image(image)), _SIDE)[None].float() / 255
    high = recipe.target(photograph, ImageRng([seed]))
    size = (high.shape[-2], high.shape[-1])
    tiles, columns = [_tile(high[0], f"middle of {Path(image).name}", size)], []
    for number in range(draws):
        params = chain.draw(high, ImageRng([mix(seed, number)]))
        low = chain.apply(high, params)[0]
        tiles.append(_tile(low, f"draw {number}: {low.shape[-1]}x{low.shape[-2]}", size))
        kernels = list(_kernels(chain, params))
        if kernels:
            columns.append(np.concatenate([caption(f"draw {number}", _KERNEL), *(_draw(k) for k in kernels)]))
    check_free([second] if columns else [], overwrite)
    write_png(out, stack([np.concatenate(tiles[i : i + _COLUMNS], axis=1) for i in range(0, len(tiles), _COLUMNS)]))
    if not columns:
        return [out]
    write_png(second, stack([column.swapaxes(0, 1) for column in columns]).swapaxes(0, 1))
    return [out, second]


def _tile(image: Tensor, text: str, size: Size) -> np.ndarray:
    """The image at that size, its pixels as squares, under a line of text."""
    pixels = to_pixels(F.interpolate(image[None], size=size, mode="nearest")[0])
    tile = np.concatenate([caption(text, size[1]), pixels])
    return np.pad(tile, [(0, _GAP), (0, _GAP), (0, 0)], constant_values=255)


def _kernels(operator: Degradation[Any], params: Any) -> Iterator[Tensor]:
    """The kernels of all operators that have them, in the order in which they were applied."""
    if hasattr(operator, "kernels"):
        yield from operator.kernels(params)
    for part, part_params in operator.parts(params):
        yield from _kernels(part, part_params)


def _draw(kernel: Tensor) -> np.ndarray:
    """Gray is zero, white the largest value, and what is darker than gray is negative."""
    levels = (0.5 + 0.5 * kernel / kernel.abs().max()).clamp(0, 1).to(torch.float32)
    larger = max(1, (_KERNEL - 4) // kernel.shape[-1])
    pixels = to_pixels(levels.expand(3, -1, -1).repeat_interleave(larger, 1).repeat_interleave(larger, 2))
    rest = _KERNEL - pixels.shape[0]
    return np.pad(pixels, [(rest // 2, rest - rest // 2)] * 2 + [(0, 0)], constant_values=255)
