"""Procedural textures: noise of given spectra, cells and bricks, each around the mean color of its class."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from cfmrestore.typing import Size

Field = np.ndarray
"""Numbers (h, w)."""

BLUE = (0.42, 0.58, 0.74)
COLORS = {
    "sky": BLUE,
    "water": BLUE,  # the same: sky and water differ by their texture alone
    "grass": (0.36, 0.50, 0.20),
    "sand": (0.80, 0.69, 0.48),
    "stone": (0.50, 0.49, 0.50),
    "brick": (0.62, 0.33, 0.25),
}
"""Mean color of each class."""


def texture(name: str, rng: np.random.Generator, where: np.ndarray) -> np.ndarray:
    """RGB (n, 3) of the n pixels of a region, a mask (h, w): their mean is the color of the class.

    Lengths are shares of the smaller side of the image.
    """
    pixels = _TEXTURES[name](rng, (where.shape[0], where.shape[1]))[where]
    return pixels + (np.array(COLORS[name], np.float32) - pixels.mean(0))


def noise(
    rng: np.random.Generator, size: Size, band: tuple[float, float], slope: float, stretch: tuple[float, float] = (1, 1)
) -> Field:
    r"""Normal noise of mean 0 and variance 1 with amplitudes :math:`|f|^{-slope}` at frequencies within the band.

    Where the whole band is finer than the pixels, there is none.

    Args:
        rng: Where it comes from.
        size: Height and width.
        band: Lowest and highest frequency, in periods along the smaller side.
        slope: 0 is white, 1 pink.
        stretch: By how much shapes are longer than they are, along both axes.
    """
    white = rng.standard_normal(size, dtype=np.float32)
    field: Field = np.fft.irfft2(np.fft.rfft2(white) * _amplitudes(size, band, slope, stretch), s=size)
    return field


@lru_cache(maxsize=64)
def _amplitudes(size: Size, band: tuple[float, float], slope: float, stretch: tuple[float, float]) -> Field:
    side = min(size)
    vertical, horizontal = (np.fft.fftfreq(n) * side * longer for n, longer in zip(size, stretch, strict=True))
    f = np.hypot(vertical[:, None], horizontal[None])
    amplitudes = np.where((f >= band[0]) & (f <= band[1]), np.maximum(f, 1e-9) ** -slope, 0.0)
    amplitudes /= np.sqrt(max((amplitudes**2).mean(), 1e-9))  # the variance of what they make of white noise
    return amplitudes[:, : size[1] // 2 + 1].astype(np.float32)


@lru_cache(maxsize=16)
def coordinates(size: Size) -> tuple[Field, Field]:
    """Vertical and horizontal places of pixels, in shares of the smaller side."""
    y, x = (np.mgrid[: size[0], : size[1]] / min(size)).astype(np.float32)
    return y, x


def cells(rng: np.random.Generator, size: Size, count: int) -> tuple[Field, Field]:
    """Voronoi cells of a jittered grid, so many along the smaller side: distance from the border, and a tone a cell.

    Reference: Worley, 1996, A cellular texture basis function.
    """
    y, x = (axis * count for axis in coordinates(size))
    rows, columns = int(y.max()) + 3, int(x.max()) + 3  # one more at every side
    sites = rng.uniform(0.1 - 1, 0.9 - 1, (2, rows, columns)) + np.mgrid[:rows, :columns]
    tops, lefts = sites.reshape(2, -1).astype(np.float32)
    home = y.astype(int) * columns + x.astype(int)
    first, second, cell = np.full(size, 9, np.float32), np.full(size, 9, np.float32), home
    for offset in (i * columns + j for i in range(3) for j in range(3)):
        place = home + offset
        squared = (tops.take(place) - y) ** 2 + (lefts.take(place) - x) ** 2
        cell = np.where(squared < first, place, cell)
        second = np.minimum(second, np.maximum(first, squared))
        first = np.minimum(first, squared)
    return (np.sqrt(second) - np.sqrt(first)) / count, rng.standard_normal(rows * columns, dtype=np.float32)[cell]


def _colored(*layers: tuple[Field, tuple[float, float, float]]) -> np.ndarray:
    """The sum of fields, each with a color of its own."""
    fields, colors = zip(*layers, strict=True)
    return np.stack(fields, axis=-1).astype(np.float32) @ np.array(colors, np.float32)


def _sky(rng: np.random.Generator, size: Size) -> np.ndarray:
    clouds = np.tanh(np.maximum(noise(rng, size, (1, 12), 1.7, (1, 1.6)) - 0.1, 0))
    return _colored((clouds, (0.34, 0.24, 0.15)), (coordinates(size)[0], (0.16, 0.1, 0.05)))


def _water(rng: np.random.Generator, size: Size) -> np.ndarray:
    waves = noise(rng, size, (5, 26), 0.7, (1, 3.5))
    glints = np.maximum(noise(rng, size, (10, 30), 0.2, (1, 3)) - 1.2, 0)
    return _colored((waves, (0.07, 0.085, 0.085)), (glints, (0.22, 0.2, 0.16)))


def _grass(rng: np.random.Generator, size: Size) -> np.ndarray:
    blades = noise(rng, size, (6, 32), 0.3, (3, 1))
    patches = noise(rng, size, (1, 5), 1.0)
    return _colored((blades, (0.075, 0.11, 0.05)), (patches, (0.05, 0.02, 0.02)))


def _sand(rng: np.random.Generator, size: Size) -> np.ndarray:
    y, x = coordinates(size)
    angle, count = rng.uniform(-0.5, 0.5), rng.uniform(6, 9)
    phase = count * (y * np.cos(angle) + x * np.sin(angle)) + 0.22 * noise(rng, size, (1, 4), 1.0)
    dunes = np.sin(2 * np.pi * phase)
    return _colored((dunes, (0.05, 0.05, 0.045)), (noise(rng, size, (16, 32), 0.0), (0.03, 0.03, 0.028)))


def _stone(rng: np.random.Generator, size: Size) -> np.ndarray:
    distance, tone = cells(rng, size, int(rng.integers(7, 11)))
    joints = np.exp(-((distance / 0.016) ** 2))
    grain = noise(rng, size, (6, 32), 0.6)
    return _colored((joints, (-0.3, -0.29, -0.28)), (tone, (0.07, 0.065, 0.06)), (grain, (0.035, 0.035, 0.035)))


def _brick(rng: np.random.Generator, size: Size) -> np.ndarray:
    y, x = coordinates(size)
    rows = rng.uniform(9, 13)
    v = rows * y + rng.uniform()
    row = v.astype(int)
    u = rows / 2.4 * x + rng.uniform() + 0.5 * (row % 2)
    column = u.astype(int)
    tones = rng.standard_normal((int(row.max()) + 1, int(column.max()) + 1))[row, column]
    mortar = ((v - row < 0.2) | (u - column < 0.085)).astype(np.float32)
    grain = noise(rng, size, (8, 32), 0.4)
    return _colored(
        (mortar, (0.16, 0.36, 0.38)), (tones * (1 - mortar), (0.07, 0.04, 0.03)), (grain, (0.025, 0.025, 0.025))
    )


_TEXTURES: dict[str, Callable[[np.random.Generator, Size], np.ndarray]] = {
    "sky": _sky,
    "water": _water,
    "grass": _grass,
    "sand": _sand,
    "stone": _stone,
    "brick": _brick,
}
