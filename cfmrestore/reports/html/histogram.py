"""Histograms: how the values of images are distributed, several rows over one another."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

_MOST_BINS = 24
_DASH = "\N{EN DASH}"


def format_value(value: float | None) -> str:
    """A measured value for a reader; a dash where there is none."""
    if value is None or math.isnan(value):
        return _DASH
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"


class Bar(NamedTuple):
    """A bar of the drawing, and what it says."""

    x: float
    y: float
    width: float
    height: float
    text: str


class Histogram:
    """A histogram, in the coordinates of its drawing.

    Args:
        metric: Its name, below the axis.
        rows: Finite values by row, the row in front last; there is one value at least.
    """

    width, height = 380, 220
    left, right, top, bottom = 48, width - 14, 10, height - 42

    def __init__(self, metric: str, rows: Mapping[str, Sequence[float]]) -> None:
        values = [value for row in rows.values() for value in row]
        self.metric, self.rows = metric, rows
        self.edges = bin_edges(values, min(_MOST_BINS, max(6, math.ceil(2 * math.sqrt(len(values))))))
        self.counts = {row: bin_counts(values, self.edges) for row, values in rows.items()}
        self.means = {row: fmean(values) for row, values in rows.items()}
        self.highest = max(int(counts.max()) for counts in self.counts.values())

    @property
    def summary(self) -> str:
        """The drawing in words."""
        means = ", ".join(f"mean of {row} {format_value(mean)}" for row, mean in self.means.items())
        return f"Histogram of {self.metric}: {means}"

    def x(self, value: float) -> float:
        low, high = float(self.edges[0]), float(self.edges[-1])
        return round(self.left + (value - low) / (high - low) * (self.right - self.left), 2)

    def y(self, images: float) -> float:
        return round(self.bottom - images / self.highest * (self.bottom - self.top), 2)

    def levels(self) -> list[float]:
        """Numbers of images that have a line."""
        return [value for value in round_numbers(0, self.highest, 4) if value == int(value)]

    def ticks(self) -> list[float]:
        """Values that have a mark."""
        return round_numbers(float(self.edges[0]), float(self.edges[-1]), 5)

    def bars(self, row: str) -> list[Bar]:
        """The bars of a row that are not empty."""
        bars = []
        for low, high, images in zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), self.counts[row], strict=True):
            if images:
                x, y, width = self.x(low), self.y(int(images)), max(self.x(high) - self.x(low), 0.5)
                text = f"{images} from {low:.10g} to {high:.10g}"
                bars.append(Bar(x, y, round(width, 2), round(self.bottom - y, 2), text))
        return bars


def bin_edges(values: Sequence[float], bins: int) -> np.ndarray:
    """Edges at round numbers, about ``bins`` of them, around all the values."""
    low, high = min(values), max(values)
    step = round_up((high - low) / bins or abs(high) / 100 or 1.0)
    return np.arange(math.floor(low / step), math.floor(high / step) + 2) * step


def bin_counts(values: Sequence[float], edges: np.ndarray) -> np.ndarray:
    """How many values lie in each bin."""
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]


def round_up(step: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step or factor == 10)


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two bounds."""
    step = round_up((high - low) / most)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
