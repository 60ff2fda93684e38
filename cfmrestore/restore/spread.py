"""The spread of several samples as a picture: dark where they agree, bright where the model invents."""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

TOPS = (1, 2, 5, 10, 20, 50, 100, 128)  # levels of 255; two samples spread no more than 127.5
_DARK, _BRIGHT = 0.10, 0.97  # lightness, which rises evenly
_HUES = np.radians((300.0, 95.0))  # from violet over red to yellow: 360 degrees lie between


class Spread:
    """Mean and variance over images that come one after the other: Welford's sums."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.square = torch.zeros(())

    def add(self, image: Tensor) -> None:
        self.count += 1
        step = image - self.mean
        self.mean = self.mean + step / self.count
        self.square = self.square + step * (image - self.mean)

    def levels(self) -> np.ndarray:
        """Standard deviation in levels, the root of the mean variance over the colors: (h, w) of the first image."""
        return 255 * (self.square / self.count).mean(dim=1).sqrt()[0].numpy()


def colors(count: int = 256) -> np.ndarray:
    r"""A color map (count, 3) of uint8, drawn in OKLab: lightness rises evenly, hue turns from violet to yellow.

    With :math:`s` from 0 to 1, :math:`L = L_0 + s (L_1 - L_0)`, chroma :math:`\propto \sin^{0.7}(\pi (0.1 + 0.8 s))`.

    Reference: Ottosson, 2020, "A perceptual color space for image processing".
    """
    s = np.linspace(0, 1, count)
    lightness = _DARK + s * (_BRIGHT - _DARK)
    chroma = 0.17 * np.sin(np.pi * (0.1 + 0.8 * s)) ** 0.7
    hue = _HUES[0] + s * (_HUES[1] + 2 * np.pi - _HUES[0])
    for _ in range(40):  # less colorful, until a screen can show it
        linear = _linear(lightness, chroma * np.cos(hue), chroma * np.sin(hue))
        chroma = np.where((linear < 0).any(1) | (linear > 1).any(1), 0.95 * chroma, chroma)
    linear = linear.clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded).astype(np.uint8)


def _linear(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """OKLab to linear sRGB, (n, 3)."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return np.stack(
        [
            4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
        ],
        axis=1,
    )


def top_of(spread: np.ndarray) -> int:
    """The round number of levels that 99 of 100 pixels stay below: the brightest color."""
    reached = float(np.quantile(spread, 0.99))
    return next((top for top in TOPS if reached <= top), TOPS[-1])


def spread_numbers(spread: np.ndarray) -> np.ndarray:
    """A spread as 16 bits (h, w, 1): 256 are a level of 255."""
    return np.round(256 * np.clip(spread, 0, 255)).astype(np.uint16)[..., None]


def spread_picture(spread: np.ndarray, *, top: float | None = None, legend: bool = True) -> Image.Image:
    """Color a spread.

    Args:
        spread: (h, w), standard deviation over the samples in levels of 255.
        top: Levels that get the brightest color; by default a round number that fits.
        legend: Draw the colors and their levels below the picture.
    """
    spread = np.asarray(spread, dtype=np.float64)
    if spread.ndim != 2 or 0 in spread.shape or not np.isfinite(spread).all():
        raise ValueError(f"a spread is (h, w) of finite numbers; got {spread.shape}")
    top = top_of(spread) if top is None else top
    if top <= 0:
        raise ValueError(f"the brightest color stands for more than 0 levels; got {top=}")
    table = colors()
    picture = Image.fromarray(table[np.round(255 * np.clip(spread / top, 0, 1)).astype(np.uint8)])
    return _with_legend(picture, table, top) if legend else picture


def _with_legend(picture: Image.Image, table: np.ndarray, top: float) -> Image.Image:
    """The picture above a bar of colors, on white paper; small pictures are enlarged by a whole number first."""
    picture = picture.resize([side * -(-480 // picture.width) for side in picture.size], Image.Resampling.NEAREST)
    size = max(14, picture.width // 32)
    paper = Image.new("RGB", (picture.width, picture.height + 3 * size), "white")
    paper.paste(picture)
    bar = Image.fromarray(table[None]).resize((picture.width, size), Image.Resampling.BILINEAR)
    paper.paste(bar, (0, picture.height + size // 3))
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(size)
    line = picture.height + 2 * size + size // 2  # middle of the text
    for x, text, anchor in (
        (size // 3, "0", "lm"),
        (picture.width // 2, f"{top / 2:g}", "mm"),
        (picture.width - size // 3, f"{top:g} levels or more", "rm"),
    ):
        draw.text((x, line), text, fill="black", font=font, anchor=anchor)
    return paper
