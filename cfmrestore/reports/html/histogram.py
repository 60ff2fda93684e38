"""A histogram as inline SVG: several rows over one another, each with a line at its mean."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from cfmrestore.reports.html.markup import Markup, element, number

_WIDTH, _HEIGHT = 380, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 10, 42  # margins around the bars
_MOST_BINS = 24


def histogram(metric: str, rows: Mapping[str, Sequence[float]]) -> Markup:
    """Draw how the values of images are distributed.

    Args:
        metric: Its name, below the axis.
        rows: Finite values by row, the row in front last; there is one value at least.
    """
    every = [value for values in rows.values() for value in values]
    edges = bin_edges(every, min(_MOST_BINS, max(6, math.ceil(2 * math.sqrt(len(every))))))
    counts = {row: bin_counts(values, edges) for row, values in rows.items()}
    plot = _Plot(float(edges[0]), float(edges[-1]), int(max(c.max() for c in counts.values())))
    summary = ", ".join(f"mean of {row} {number(fmean(values))}" for row, values in rows.items() if values)
    return element(
        "svg",
        element("title", f"Histogram of {metric}: {summary}"),
        plot.axes(metric),
        *(plot.bars(row, edges, counts[row]) for row in rows),
        *(plot.mean(row, fmean(values)) for row, values in rows.items() if values),
        class_="histogram",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=f"Histogram of {metric}: {summary}",
    )


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


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two bounds."""
    step = round_up((high - low) / most)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


class _Plot:
    """Coordinates of the drawing for values and counts, and the elements drawn there."""

    def __init__(self, low: float, high: float, highest: int) -> None:
        self.low, self.high = low, high
        self.highest = max(highest, 1)

    def x(self, value: float) -> float:
        return round(_LEFT + (value - self.low) / (self.high - self.low) * (_WIDTH - _LEFT - _RIGHT), 2)

    def y(self, images: float) -> float:
        return round(_HEIGHT - _BOTTOM - images / self.highest * (_HEIGHT - _TOP - _BOTTOM), 2)

    def axes(self, metric: str) -> Markup:
        floor, middle = self.y(0), (_TOP + self.y(0)) / 2
        turned = f"rotate(-90 13 {middle})"
        return element(
            "g",
            *(part for value in ticks(0, self.highest, 4) if value == int(value) for part in self._level(value)),
            *(part for value in ticks(self.low, self.high, 5) for part in self._tick(value)),
            element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=floor, y2=floor, class_="axis"),
            element("text", metric, x=(_LEFT + _WIDTH - _RIGHT) / 2, y=_HEIGHT - 4, text_anchor="middle"),
            element("text", "images", x=13, y=middle, text_anchor="middle", transform=turned),
        )

    def _level(self, images: float) -> tuple[Markup, Markup]:
        y = self.y(images)
        line = element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="level")
        return line, element("text", f"{images:.10g}", x=_LEFT - 5, y=y + 4.5, text_anchor="end")

    def _tick(self, value: float) -> tuple[Markup, Markup]:
        x, floor = self.x(value), self.y(0)
        line = element("line", x1=x, x2=x, y1=floor, y2=floor + 4, class_="axis")
        return line, element("text", f"{value:.10g}", x=x, y=floor + 18, text_anchor="middle")

    def bars(self, row: str, edges: np.ndarray, counts: np.ndarray) -> Markup:
        return element(
            "g",
            *(
                self._bar(row, float(low), float(high), int(images))
                for low, high, images in zip(edges[:-1], edges[1:], counts, strict=True)
                if images
            ),
            class_=f"bars {row}",
        )

    def _bar(self, row: str, low: float, high: float, images: int) -> Markup:
        left, right, top = self.x(low), self.x(high), self.y(images)
        text = f"{row}: {images} from {low:.10g} to {high:.10g}"
        size = {"width": round(max(right - left, 0.5), 2), "height": round(self.y(0) - top, 2)}
        return element("rect", element("title", text), x=left, y=top, **size)

    def mean(self, row: str, value: float) -> Markup:
        x = self.x(value)
        text = element("title", f"mean of {row}: {number(value)}")
        return element("line", text, x1=x, x2=x, y1=_TOP, y2=self.y(0), class_=f"mean {row}")
