r"""What made small images of large ones, estimated from pairs: blur, sharpening, noise and JPEG.

The small image is held to be the large one's mean over blocks of scale x scale pixels, y, through a Gaussian and a
gain, and noise: its power spectrum is :math:`P(f) = a^2 e^{-(2 \pi f \sigma)^2} P_y(f) + \nu`, with f in cycles a small
pixel. Sigma and a are those of the line that fits :math:`\log(P / P_y)` over :math:`f^2` best, where noise is small. A
gain above 1 is what a camera's sharpening leaves.

Noise that is smooth has next to no power at high frequencies, by which :math:`\nu` is told. What no linear filter of y
explains, where y is flat, shows it: its deviation is the grain, and the correlation of neighbors says how wide it is.
Pairs that do not lie on each other exactly leave something there too.

JPEG is seen in the small image alone: how empty the high frequencies of its blocks are, and the quality by whose steps
their coefficients lie, 100 where they lie by none.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from cfmrestore.engine.config.presets import Preset, load_preset
from cfmrestore.engine.jobs import track
from cfmrestore.evaluation.folders import load_image, match_files
from cfmrestore.imageio.atomic import check_free
from cfmrestore.ops.jpeg_traces import jpeg_grid, jpeg_quality
from cfmrestore.ops.resize import infer_scale, resize
from cfmrestore.ops.rng import ImageRng, key_of
from cfmrestore.ops.traces import Plane, noise_level, planes_of
from cfmrestore.reports.figures import new_figure, save_figure
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.typing import Image

EDGES = np.linspace(0.02, 0.5, 25)
FREQUENCIES = (EDGES[1:] + EDGES[:-1]) / 2
_FITTED = (FREQUENCIES > 0.05) & (FREQUENCIES < 0.3)
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_SMALLEST = 48
_LEAST = 1e-3  # deviation of an image in [0, 1] that shows anything
_REACH = 4  # pixels of the linear filter to each side
_FLAT = 0.3  # share of the pixels that count as flat
_UNCOMPRESSED = 100
_LUMA = torch.tensor([0.299, 0.587, 0.114])


class Law(NamedTuple):
    """Of one pair.

    Args:
        sigma: Of the Gaussian, in pixels of the large image; negative where high frequencies were raised.
        gain: a.
        noise: Standard deviation in levels of the small image, of white noise.
        grain: The same of all noise.
        correlation: Of the grain, between neighbors: 0 where it is white.
        blocks: How much one grid of 8x8 blocks looks like that of JPEG, 0 to 1.
        quality: Of JPEG; 100 where none is found.
        transfer: The ratio of amplitudes at each of :data:`FREQUENCIES`.
    """

    sigma: float
    gain: float
    noise: float
    grain: float
    correlation: float
    blocks: float
    quality: int
    transfer: np.ndarray[Any, np.dtype[np.float64]]


def law_of_pair(high: Image, low: Image) -> Law:
    """Of a large image, (1, 3, h, w) in [0, 1], and the small one."""
    (height, width), (h, w) = high.shape[-2:], low.shape[-2:]
    scale = infer_scale((height, width), (h, w))
    if scale is None or min(h, w) < _SMALLEST:
        raise ValueError(
            f"a pair is an image and one a whole number of times smaller, of {_SMALLEST} pixels or more; "
            f"got {height} x {width} and {h} x {w}"
        )
    seen, means = _luma(low), _luma(resize(high, scale=1 / scale, kernel="area"))
    transfer = np.sqrt(_spectrum(seen) / _spectrum(means))
    rates = np.stack([-((2 * np.pi * FREQUENCIES[_FITTED]) ** 2), np.ones(_FITTED.sum())], axis=1)
    variance, offset = np.linalg.lstsq(rates, 2 * np.log(transfer[_FITTED]), rcond=None)[0]
    sigma = scale * float(np.sign(variance) * np.sqrt(abs(variance)))
    gain = float(np.exp(offset / 2))
    return Law(sigma, gain, noise_level(seen), *_grain(seen, means), *_jpeg(low), transfer)


def _luma(image: Image) -> Plane:
    return (255 * torch.einsum("chw,c->hw", image[0].double(), _LUMA.double())).numpy()


def _grain(seen: Plane, means: Plane) -> tuple[float, float]:
    """Of what no linear filter of the means explains, where they are flat: deviation, and correlation of neighbors."""
    r, (height, width) = _REACH, means.shape
    moved = [means[r + i : height - r + i, r + j : width - r + j] for i in range(-r, r + 1) for j in range(-r, r + 1)]
    terms = np.stack([*(one.ravel() for one in moved), np.ones(moved[0].size)], axis=1)
    inner = seen[r : height - r, r : width - r]
    error = inner - (terms @ np.linalg.lstsq(terms, inner.ravel(), rcond=None)[0]).reshape(inner.shape)
    slope = np.hypot(*np.gradient(means))[r : height - r, r : width - r]
    flat = slope < np.quantile(slope, _FLAT)
    both = flat[:, 1:] & flat[:, :-1]
    return float(error[flat].std()), float(np.corrcoef(error[:, 1:][both], error[:, :-1][both])[0, 1])


def _jpeg(low: Image) -> tuple[float, int]:
    """How much of its blocks is seen, and the quality."""
    y, _, clipped = planes_of((255 * low[0]).round().clamp(0, 255).byte().permute(1, 2, 0).numpy())
    grid = jpeg_grid(y)
    return grid.strength, jpeg_quality(y, clipped, grid) or _UNCOMPRESSED


def _spectrum(y: Plane) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Power over frequency, the mean of each ring."""
    window = np.outer(*(np.hanning(side) for side in y.shape))
    power = np.abs(np.fft.fft2((y - y.mean()) * window)) ** 2
    radius = np.hypot(*np.meshgrid(*(np.fft.fftfreq(side) for side in y.shape), indexing="ij"))
    return np.array([power[(radius >= a) & (radius < b)].mean() for a, b in pairwise(EDGES)])


def pairs_of(high: str | Path, low: str | Path, every: int) -> Iterator[tuple[str, Image, Image]]:
    """Pairs of two folders, and their names."""
    files = list(match_files({"high": high, "low": low}).items())
    for name, pair in track(files[::every], "pairs"):
        yield name, load_image(pair["high"])[None], load_image(pair["low"])[None]


def made_pairs(high: str | Path, preset: str, chain: Preset, every: int) -> Iterator[tuple[str, Image, Image]]:
    """The same large images, and what a preset of degradations makes of them."""
    for name, files in track(list(match_files({"high": high}).items())[::every], preset):
        path, scale = files["high"], int(chain.scale)
        image = load_image(path)[None]
        height, width = (side // scale * scale for side in image.shape[-2:])
        yield (
            name,
            image[..., :height, :width],
            chain.degradation(image[..., :height, :width], ImageRng([key_of(path.name)])),
        )


def degradation_law(
    high: str | Path,
    low: str | Path,
    out: str | Path,
    *,
    presets: Sequence[str] = (),
    every: int = 1,
    overwrite: bool = False,
) -> str:
    """The laws of pairs, and of what presets make of their large images: a table, and the transfers as a picture.

    Args:
        high: Folder of large images.
        low: Of small ones of the same names.
        out: The picture.
        presets: Of degradations, whose laws stand beside.
        every: Look at every so many pairs, by their names.
        overwrite: Replace a file that is there.
    """
    if Path(out).suffix != ".png" or every < 1:
        raise ValueError(f"the picture is a .png file, and every a number from 1; got {str(out)!r} and {every}")
    check_free([Path(out)], overwrite)
    chains = {preset: load_preset(preset) for preset in presets}
    laws = {"pairs": _laws(pairs_of(high, low, every))}
    for preset, chain in chains.items():
        laws[preset] = _laws(made_pairs(high, preset, chain, every))
    draw(laws, Path(out))
    return table(laws)


def _laws(pairs: Iterable[tuple[str, Image, Image]]) -> list[Law]:
    """Of each pair that has any detail; what is wrong with one is said by its name."""
    found, flat = [], list[str]()
    for name, high, low in pairs:
        try:
            if min(float(image.std()) for image in (high, low)) < _LEAST:
                flat.append(name)
            else:
                found.append(law_of_pair(high, low))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if flat:
        print(f"left out, since there is nothing in them: {', '.join(flat)}", file=sys.stderr)
    if not found:
        raise ValueError("no pair has any detail, by which a law is told")
    return found


def table(laws: Mapping[str, Sequence[Law]]) -> str:
    """Quantiles of the numbers of each law."""
    lines = [["", "", *(f"{100 * q:.0f} %" for q in QUANTILES)]]
    for name, found in laws.items():
        for key in ("sigma", "gain", "noise", "grain", "correlation", "blocks", "quality"):
            values = np.quantile([getattr(law, key) for law in found], QUANTILES)
            lines.append([name if key == "sigma" else "", key, *(f"{value:.2f}" for value in values)])
    return markdown_table(lines)


def draw(laws: Mapping[str, Sequence[Law]], path: Path) -> None:
    """The median of the transfers over the frequency, between the tenth and the ninetieth of a hundred."""
    figure, ((axes,),) = new_figure(1, 1, 6, 4)
    for name, found in laws.items():
        least, middle, most = np.quantile([law.transfer for law in found], (0.1, 0.5, 0.9), axis=0)
        (line,) = axes.plot(FREQUENCIES, middle, label=name)
        axes.fill_between(FREQUENCIES, least, most, color=line.get_color(), alpha=0.15)
    axes.set(xlabel="cycles a small pixel", ylabel="amplitude over that of block means")
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, path, "What made the small images")
