"""Images of every kind as planes of color and alpha, and back to the kind that they came as."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.imageio.picture import Picture, from_planes, resized_metadata, to_planes

KINDS = (
    "a PIL image, a Picture, the path of a file, an array (h, w), (h, w, c) or (n, h, w, c), a tensor (c, h, w) or "
    "(n, c, h, w)"
)


@dataclass(frozen=True)
class ColorAlpha:
    """Color (b, 3, h, w) and alpha (b, 1, h, w) in [0, 1]; gray pictures have three equal colors."""

    color: Tensor
    alpha: Tensor | None
    gray: bool

    @property
    def channels(self) -> Tensor:
        """One, two, three or four channels: gray as the mean of the colors."""
        color = self.color.mean(dim=1, keepdim=True) if self.gray else self.color
        return color if self.alpha is None else torch.cat([color, self.alpha], dim=1)


def unpack(image: Any) -> tuple[ColorAlpha, Callable[[ColorAlpha], Any]]:
    """The planes of an image, and the function that makes an image of the same kind of others.

    Of a path that is a PIL image, or a Picture where PIL has none, of 16 bits in color.
    """
    if isinstance(image, str | Path):
        image = _read(Path(image))
    if isinstance(image, Tensor):
        return _tensor(image)
    if isinstance(image, np.ndarray):
        return _array(image)
    if isinstance(image, Picture):
        return _picture(image)
    from PIL import Image

    if not isinstance(image, Image.Image):
        raise ValueError(f"an image is {KINDS}; got {type(image).__name__}")
    from cfmrestore.imageio import from_pil, to_pil

    planes, pack = _picture(from_pil(image))
    return planes, lambda restored: to_pil(pack(restored))


def _read(path: Path) -> Any:
    from cfmrestore.imageio import read_picture, to_pil

    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}: name an image")
    try:
        picture = read_picture(path)
    except ValueError as error:
        raise ValueError(f"{str(path)!r}: {error}") from error
    return picture if picture.bits == 16 and picture.pixels.shape[2] > 1 else to_pil(picture)


def split(channels: Tensor) -> ColorAlpha:
    """Color and alpha of (b, 1 to 4, h, w): gray, gray and alpha, color, color and alpha."""
    count = channels.shape[1]
    alpha = channels[:, -1:] if count in (2, 4) else None
    gray = count <= 2
    return ColorAlpha(channels[:, :1].expand(-1, 3, -1, -1) if gray else channels[:, :3], alpha, gray)


def _picture(picture: Picture) -> tuple[ColorAlpha, Callable[[ColorAlpha], Picture]]:
    def pack(planes: ColorAlpha) -> Picture:
        pixels = from_planes(planes.channels[0].numpy(), picture.pixels.dtype)
        metadata = resized_metadata(picture.metadata, (pixels.shape[0], pixels.shape[1]))
        return replace(picture, pixels=pixels, metadata=metadata)

    return split(torch.from_numpy(to_planes(picture.pixels))[None]), pack


def _tensor(image: Tensor) -> tuple[ColorAlpha, Callable[[ColorAlpha], Tensor]]:
    if image.dim() not in (3, 4) or not 1 <= image.shape[-3] <= 4 or 0 in image.shape:
        raise ValueError(f"an image is {KINDS}, of 1 to 4 channels; got a tensor {tuple(image.shape)}")
    plain = image.detach().cpu()
    floats = torch.from_numpy(_floats((plain.float() if plain.is_floating_point() else plain).numpy()))

    def pack(planes: ColorAlpha) -> Tensor:
        made = torch.from_numpy(_as(planes.channels.numpy(), str(image.dtype).removeprefix("torch.")))
        return (made if image.dim() == 4 else made[0]).to(image.device, image.dtype)

    return split(floats if image.dim() == 4 else floats[None]), pack


def _array(image: np.ndarray) -> tuple[ColorAlpha, Callable[[ColorAlpha], np.ndarray]]:
    full = image[None, ..., None] if image.ndim == 2 else image[None] if image.ndim == 3 else image
    if full.ndim != 4 or not 1 <= full.shape[-1] <= 4 or 0 in full.shape:
        raise ValueError(f"an image is {KINDS}, of 1 to 4 channels; got an array {image.shape}")
    floats = _floats(full)

    def pack(planes: ColorAlpha) -> np.ndarray:
        made = np.ascontiguousarray(np.moveaxis(_as(planes.channels.numpy(), image.dtype.name), 1, -1))
        return made[0, ..., 0] if image.ndim == 2 else made[0] if image.ndim == 3 else made

    return split(torch.from_numpy(np.ascontiguousarray(np.moveaxis(floats, -1, 1)))), pack


_TOPS = {"uint8": 255, "uint16": 65535}


def _floats(values: np.ndarray) -> np.ndarray:
    """In [0, 1] and float32."""
    if values.dtype.name in _TOPS:
        return values.astype(np.float32) / _TOPS[values.dtype.name]
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"images hold uint8, uint16, or floats in [0, 1]; got {values.dtype}")
    floats = values.astype(np.float32)
    if not np.isfinite(floats).all():
        raise ValueError("the image holds NaN or infinite values")
    if floats.min() < -1e-3 or floats.max() > 1 + 1e-3:
        found = f"{floats.min():.4g} to {floats.max():.4g}"
        raise ValueError(f"images of floats lie in [0, 1]; got {found}: divide by 255, or scale them")
    return floats.clip(0, 1)


def _as(values: np.ndarray, name: str) -> np.ndarray:
    """In the number format of the image that was given; float16 and bfloat16 are made of float32 by torch."""
    if name in _TOPS:
        return np.rint(values * _TOPS[name]).astype(name)
    return values.astype(name) if name.startswith("float") else values
