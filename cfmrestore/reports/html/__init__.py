"""The report of an evaluation: one HTML file with tables, histograms, and the worst images under a slider."""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.imageio.atomic import write_text
from cfmrestore.reports.html.histogram import Histogram, format_value
from cfmrestore.reports.html.pictures import PictureStore, ShownImage, store_view

_REAL = ("encoder", "target", "real")
_PLOTTED = ("bicubic", "restored")  # the last one in front

Values = Sequence[float | None]  # of the images of a set
Pictures = Callable[[str, str], Mapping[str, np.ndarray]]


def write_report(path: str | Path, result: Mapping[str, Any], pictures: Pictures, *, worst: int = 10) -> None:
    """Write one file that a browser shows without a network.

    Args:
        path: The .html file.
        result: Of an evaluation: method, protocol, versions, warnings, benchmarks, higher_is_better.
        pictures: Gives the pictures of an image of a benchmark, by their names, (h, w, 3) of 8 bits and of one size:
            "restored", and where there are any "bicubic" and "target". It is asked for the worst images alone.
        worst: How many images of each metric are shown.
    """
    from jinja2 import Environment, StrictUndefined

    if worst < 1:
        raise ValueError(f"need one worst image or more; got {worst=}")
    store, directions = PictureStore(), result.get("higher_is_better") or {}
    benchmarks = [
        _Benchmark(f"benchmark-{place}", name, data, directions, worst)
        for place, (name, data) in enumerate(result["benchmarks"].items())
    ]
    for benchmark in benchmarks:
        benchmark.show(pictures, store)
    template, style, script = (
        (files("cfmrestore.reports.html") / f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = format_value
    protocol = dict(result.get("protocol") or {})
    page = environment.from_string(template).render(
        method=result.get("method"),
        warnings=result.get("warnings") or [],
        protocol_name=protocol.pop("name", "none"),
        protocol=_texts(protocol),
        versions=_texts(result.get("versions") or {}),
        benchmarks=benchmarks,
        pictures=store,
        style=style,
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_text(path, page.lstrip() + "\n")


def _texts(table: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in table.items()}


def worst_images(values: Values, higher_is_better: bool, count: int) -> list[int]:
    """The images with the worst values, the worst first; those without a value are left out."""
    sign = 1 if higher_is_better else -1
    measured = [(sign * value, i) for i, value in enumerate(values) if value is not None and not math.isnan(value)]
    return [index for _, index in sorted(measured)[:count]]


class _Benchmark:
    """One set of images of a result, as the page shows it, with so many of the worst of each metric."""

    def __init__(
        self, address: str, name: str, data: Mapping[str, Any], directions: Mapping[str, bool], count: int
    ) -> None:
        self.address, self.name, self.directions = address, name, directions
        self.images: list[str] = list(data.get("images") or [])
        self.rows: Mapping[str, Mapping[str, float | None]] = data.get("rows") or {}
        self.values: Mapping[str, Mapping[str, Values]] = data.get("values") or {}
        for row, metrics in self.values.items():
            for metric, values in metrics.items():
                if len(values) != len(self.images):
                    raise ValueError(
                        f"benchmark {name!r}: row {row!r} has {len(values)} values of {metric} "
                        f"for {len(self.images)} images"
                    )
        self.num_images = data.get("num_images", len(self.images))
        self.digest, self.seconds = data.get("images_sha256"), data.get("seconds_per_image")
        self.plotted = [row for row in _PLOTTED if row in self.values]
        # Every metric of the table, in the order in which the rows name them; and those with a value for each image.
        self.metrics = list(dict.fromkeys(metric for row in self.rows.values() for metric in row))
        self.image_metrics = list(dict.fromkeys(metric for row in self.plotted[::-1] for metric in self.values[row]))
        restored = self.values.get("restored", {}).items()
        worst = {m: worst_images(values, directions[m], count) for m, values in restored if m in directions}
        self.worst = {metric: indices for metric, indices in worst.items() if indices}
        self.shown: dict[int, ShownImage] = {}

    def show(self, pictures: Pictures, store: PictureStore) -> None:
        """Store the pictures of the worst images."""
        for index in sorted({index for indices in self.worst.values() for index in indices}):
            what = f"image {self.images[index]!r} of benchmark {self.name!r}"
            self.shown[index] = store_view(pictures(self.name, self.images[index]), store, what)

    def value(self, row: str, metric: str, index: int) -> float | None:
        """Number of one image, or None."""
        values = self.values[row].get(metric)
        return None if values is None else values[index]

    def best(self, metric: str) -> float | None:
        """The best mean of the rows that restore or generate, not of real pictures and those through the encoder."""
        means = [row.get(metric) for name, row in self.rows.items() if name not in _REAL]
        known = [mean for mean in means if mean is not None and not math.isnan(mean)]
        if len(known) < 2 or metric not in self.directions:  # without a rival nothing is best
            return None
        return max(known) if self.directions[metric] else min(known)

    def histogram(self, metric: str) -> Histogram | None:
        """Histogram of the values that can be drawn, if there are any."""
        drawn = {
            row: [v for v in self.values[row].get(metric, []) if v is not None and math.isfinite(v)]
            for row in self.plotted
        }
        rows = {row: values for row, values in drawn.items() if values}
        return Histogram(metric, rows) if rows else None
