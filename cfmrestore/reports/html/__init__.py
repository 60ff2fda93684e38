"""The report of an evaluation: one HTML file with tables, histograms, and the worst images under a slider."""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from cfmrestore.imageio.atomic import write_text
from cfmrestore.reports.html.gallery import PictureStore, ShownImage, crops, slider, store_view
from cfmrestore.reports.html.histogram import histogram
from cfmrestore.reports.html.markup import Markup, element, number

_PLOTTED = ("bicubic", "restored")  # the last one in front
_ARROWS = {True: "\N{UPWARDS ARROW}", False: "\N{DOWNWARDS ARROW}"}
_SENSES = {True: "higher is better", False: "lower is better"}
_NO_SCRIPT = "The pictures of this page need JavaScript; the tables and histograms do not."

Pictures = Callable[[str, str], Mapping[str, np.ndarray]]
Values = Sequence[float | None]


def write_report(path: str | Path, result: Mapping[str, Any], pictures: Pictures, *, worst: int = 10) -> None:
    """Write one file that a browser shows without a network.

    Args:
        path: The .html file.
        result: Of an evaluation: method, protocol, versions, warnings, benchmarks, higher_is_better.
        pictures: Gives the pictures of an image of a benchmark, by their names, (h, w, 3) of 8 bits and of one size:
            "restored", and where there are any "bicubic" and "target". It is asked for the worst images alone.
        worst: How many images of each metric are shown.
    """
    if worst < 1:
        raise ValueError(f"need one worst image or more; got {worst=}")
    store = PictureStore()
    directions = result.get("higher_is_better") or {}
    benchmarks = [
        _Benchmark(place, name, data, directions) for place, (name, data) in enumerate(result["benchmarks"].items())
    ]
    sections = [_section(benchmark, pictures, store, worst) for benchmark in benchmarks]
    body = [*_head_of_page(result, benchmarks), *sections, element("noscript", element("p", _NO_SCRIPT))]
    write_text(path, _page(f"Evaluation of {result.get('method')}", body, store))


def worst_images(values: Values, higher_is_better: bool, count: int) -> list[int]:
    """The images with the worst values, the worst first; those without a value are left out."""
    sign = 1 if higher_is_better else -1
    measured = [(sign * value, i) for i, value in enumerate(values) if value is not None and not math.isnan(value)]
    return [index for _, index in sorted(measured)[:count]]


class _Benchmark:
    """One set of images of a result.

    Args:
        place: Among the benchmarks; addresses within the page are made of it.
        name: Of the benchmark.
        data: Its part of the result.
        directions: Whether a higher value is better, by metric.
    """

    def __init__(self, place: int, name: str, data: Mapping[str, Any], directions: Mapping[str, bool]) -> None:
        self.address, self.name, self.data, self.directions = f"benchmark-{place}", name, data, directions
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

    def metrics(self) -> list[str]:
        """Every metric of the table, in the order in which the rows name them."""
        return list(dict.fromkeys(metric for row in self.rows.values() for metric in row))

    def image_metrics(self) -> list[str]:
        """Those that have a value for each image."""
        return list(dict.fromkeys(metric for row in _PLOTTED[::-1] for metric in self.values.get(row, {})))

    def value(self, row: str, metric: str, index: int) -> float | None:
        """Of one image, or None."""
        values = self.values.get(row, {}).get(metric)
        return None if values is None else values[index]

    def finite(self, row: str, metric: str) -> list[float]:
        """The values that can be drawn."""
        values = self.values.get(row, {}).get(metric) or []
        return [value for value in values if value is not None and math.isfinite(value)]


def _page(title: str, body: Sequence[Markup], store: PictureStore) -> str:
    folder = files("cfmrestore.reports.html")
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src blob:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("title", title),
        element("style", Markup(style)),
    )
    parts = [element("main", *body), store.markup(), element("script", Markup(script))]
    return f"<!DOCTYPE html>\n{element('html', head, element('body', Markup(chr(10).join(parts))), lang='en')}\n"


def _head_of_page(result: Mapping[str, Any], benchmarks: Sequence[_Benchmark]) -> list[Markup]:
    protocol = dict(result.get("protocol") or {})
    name = str(protocol.pop("name", "none"))
    links = [element("a", benchmark.name, href=f"#{benchmark.address}") for benchmark in benchmarks]
    return [
        *_warnings(result.get("warnings") or []),
        element("h1", f"Evaluation of {result.get('method')}"),
        *([element("nav", *links, class_="contents", aria_label="Benchmarks")] if len(links) > 1 else []),
        element(
            "div",
            element("section", element("h2", f"Protocol {name}"), _definitions(protocol), class_="panel"),
            element("section", element("h2", "Versions"), _definitions(result.get("versions") or {}), class_="panel"),
            class_="facts",
        ),
    ]


def _warnings(texts: Sequence[str]) -> list[Markup]:
    if not texts:
        return []
    heading = "A warning" if len(texts) == 1 else f"{len(texts)} warnings"
    entries = element("ul", *(element("li", text) for text in texts))
    return [element("section", element("h2", heading), entries, class_="warnings", aria_label="Warnings")]


def _definitions(table: Mapping[str, Any]) -> Markup:
    if not table:
        return element("p", "nothing recorded", class_="muted")
    texts = {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in table.items()}
    return element("dl", *(part for key, text in texts.items() for part in (element("dt", key), element("dd", text))))


def _section(benchmark: _Benchmark, pictures: Pictures, store: PictureStore, worst: int) -> Markup:
    chosen = {
        metric: worst_images(values, benchmark.directions[metric], worst)
        for metric, values in benchmark.values.get("restored", {}).items()
        if metric in benchmark.directions
    }
    lists, shown = [metric for metric, indices in chosen.items() if indices], {}
    for index in sorted({index for indices in chosen.values() for index in indices}):
        what = f"image {benchmark.images[index]!r} of benchmark {benchmark.name!r}"
        shown[index] = store_view(pictures(benchmark.name, benchmark.images[index]), store, what)
    return element(
        "section",
        element("h2", benchmark.name, id=f"{benchmark.address}-title"),
        _facts(benchmark),
        element("div", _table(benchmark), class_="scroll panel"),
        element("div", *_histograms(benchmark), class_="histograms"),
        *(_worst(benchmark, metric, chosen[metric], shown, unfolded=metric == lists[0]) for metric in lists),
        id=benchmark.address,
        aria_labeledby=f"{benchmark.address}-title",
    )


def _facts(benchmark: _Benchmark) -> Markup:
    count = benchmark.data.get("num_images", len(benchmark.images))
    parts: list[str] = [f"{count} image{'' if count == 1 else 's'}"]
    if digest := benchmark.data.get("images_sha256"):
        short = element("abbr", element("code", str(digest)[:12]), title=f"SHA-256 of the images: {digest}")
        parts += [", digest ", short]
    if (seconds := benchmark.data.get("seconds_per_image")) is not None:
        parts.append(f", {seconds:.3g} s an image")
    return element("p", *parts, class_="muted")


def _table(benchmark: _Benchmark) -> Markup:
    metrics = benchmark.metrics()
    header = element("tr", element("th", "", scope="col"), *(_heading(benchmark, metric) for metric in metrics))
    best = {metric: _best(benchmark, metric) for metric in metrics}
    rows = [
        element(
            "tr",
            element("th", row, scope="row"),
            *(_cell(values.get(metric), best[metric]) for metric in metrics),
        )
        for row, values in benchmark.rows.items()
    ]
    return element("table", element("thead", header), element("tbody", *rows))


def _heading(benchmark: _Benchmark, metric: str) -> Markup:
    direction = benchmark.directions.get(metric)
    if direction is None:
        return element("th", metric, scope="col")
    arrow = element("abbr", _ARROWS[direction], title=_SENSES[direction])
    return element("th", metric, " ", arrow, scope="col")


def _best(benchmark: _Benchmark, metric: str) -> float | None:
    """Of the rows that restore: the encoder's is what none of them can reach."""
    values = [row.get(metric) for name, row in benchmark.rows.items() if name != "encoder"]
    known = [value for value in values if value is not None and not math.isnan(value)]
    if not known or metric not in benchmark.directions:
        return None
    return max(known) if benchmark.directions[metric] else min(known)


def _cell(value: float | None, best: float | None) -> Markup:
    text = number(value)
    return element("td", element("strong", text) if value is not None and value == best else text)


def _histograms(benchmark: _Benchmark) -> list[Markup]:
    panels = []
    for metric in benchmark.image_metrics():
        rows = {row: values for row in _PLOTTED if (values := benchmark.finite(row, metric))}
        heading = element("h3", metric)
        if not rows:
            panels.append(element("div", heading, element("p", "no image has a value", class_="muted"), class_="panel"))
            continue
        keys = [_key(row, values, len(benchmark.images)) for row, values in reversed(rows.items())]
        legend = element("figcaption", *keys, class_="legend")
        panels.append(element("figure", heading, histogram(metric, rows), legend, class_="panel"))
    return panels


def _key(row: str, values: Sequence[float], count: int) -> Markup:
    without = f", {count - len(values)} of {count} images not drawn" if len(values) < count else ""
    return element("span", f"{row}, mean {number(fmean(values))}{without}", class_=f"key {row}")


def _worst(
    benchmark: _Benchmark, metric: str, indices: Sequence[int], shown: Mapping[int, ShownImage], *, unfolded: bool
) -> Markup:
    title = f"Worst by {metric}: {len(indices)} of {len(benchmark.images)} images"
    cards = [_card(benchmark, metric, rank, index, shown[index]) for rank, index in enumerate(indices, 1)]
    inside = element("ol", *cards, class_="cards")
    return element("details", element("summary", title), inside, open="" if unfolded else None)


def _card(benchmark: _Benchmark, metric: str, rank: int, index: int, shown: ShownImage) -> Markup:
    name = benchmark.images[index]
    heading = element("h4", element("span", f"{rank}.", class_="rank"), name)
    values = element("div", _values(benchmark, metric, index), class_="scroll")
    beside = element("div", values, *crops(name, shown), class_="beside")
    sides = element("div", slider(name, shown), beside, class_="sides")
    return element("li", heading, sides, class_="card panel")


def _values(benchmark: _Benchmark, chosen: str, index: int) -> Markup:
    rows = [row for row in ("restored", "bicubic") if row in benchmark.values]
    header = element("tr", element("th", "", scope="col"), *(element("th", row, scope="col") for row in rows))
    lines = []
    for metric in benchmark.image_metrics():
        direction = benchmark.directions.get(metric)
        arrow = f" {_ARROWS[direction]}" if direction is not None else ""
        cells = [element("td", number(benchmark.value(row, metric, index))) for row in rows]
        mark = "chosen" if metric == chosen else None
        lines.append(element("tr", element("th", f"{metric}{arrow}", scope="row"), *cells, class_=mark))
    return element("table", element("thead", header), element("tbody", *lines), class_="values")
