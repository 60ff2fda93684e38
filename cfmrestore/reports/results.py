"""Result files: what was measured, how, on which images; as JSON, as CSV with a line an image, and as a table."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.evaluator import BaseMetric

from cfmrestore.engine import checkpoints
from cfmrestore.engine.runner import RestorationRunner
from cfmrestore.evaluation.metrics import NFE, ImageDigest, ImageMetric, SetMetric
from cfmrestore.evaluation.protocols import Protocol
from cfmrestore.imageio.atomic import write_text

FORMAT = 1
Result = dict[str, Any]
_PLAIN = {"hr", "gt", "high", "target", "targets", "restored", "results", "output", "out", "lr", "low"}


def title_of(folder: str | Path) -> str:
    """The folder's name, with those above it where it says little, as in ``set5/x4/hr``."""
    path = Path(folder).resolve()
    return "/".join(path.parts[-3:]) if path.name.lower() in _PLAIN else path.name


def measure(
    runner: RestorationRunner, dataset: dict[str, Any] | None = None, folders: Mapping[type, Path | None] | None = None
) -> Result:
    """The result of a test on one set of images; see ``RestorationRunner.test_on``."""
    means = runner.test_on(dataset, folders)
    if runner.rank != 0:
        return {"images": [], "rows": {}, "values": {}, "warnings": []}  # the numbers are with rank 0
    return benchmark(runner.test_evaluator.metrics, means)


def benchmark(metrics: Sequence[BaseMetric], means: Mapping[str, float]) -> Result:
    """What metrics hold of one set of images.

    Args:
        metrics: After they were evaluated; one of them an ``ImageDigest``.
        means: What they returned.
    """
    images = next(metric for metric in metrics if isinstance(metric, ImageDigest))
    rows: dict[str, dict[str, float]] = {"restored": {}}
    for key, value in means.items():
        row, _, column = key.rpartition("/")
        rows.setdefault(row or "restored", {})[column] = value
    values: dict[str, dict[str, list[float | None]]] = {}
    for metric in metrics:
        if isinstance(metric, ImageMetric):
            for row, own in metric.values.items():
                values.setdefault(row, {})[metric.name] = [own.get(name) for name in images.names]
    few = [metric.warning for metric in metrics if isinstance(metric, SetMetric) and metric.warning]
    return {
        "num_images": len(images.names),
        "images": images.names,
        "images_sha256": images.sha256,
        "scale": images.scale,
        "rows": rows,
        "values": values,
        "seconds_per_image": images.seconds,
        "warnings": few,
    }


def directions(metrics: Sequence[BaseMetric]) -> dict[str, bool]:
    """Whether higher is better, for every column of these metrics."""
    found: dict[str, bool] = {}
    for metric in metrics:
        if isinstance(metric, ImageMetric):
            found[metric.name] = metric.higher_is_better
        elif isinstance(metric, SetMetric):
            found.update(metric.columns)
        elif isinstance(metric, NFE):
            found["NFE"] = False
    return found


def assemble(
    method: str,
    protocol: Protocol,
    metrics: Sequence[BaseMetric],
    benchmarks: Mapping[str, Result],
    settings: Mapping[str, Any],
) -> Result:
    """The whole of a result file; the settings say how the restorations were made, or where they lie."""
    return {
        "format": FORMAT,
        "method": method,
        "settings": dict(settings),
        "protocol": protocol.to_json(),
        "versions": checkpoints.versions(),
        "warnings": [text for name, one in benchmarks.items() for text in _warnings(name, one)],
        "higher_is_better": directions(metrics),
        "benchmarks": dict(benchmarks),
    }


def _warnings(name: str, result: Result) -> list[str]:
    """What a reader of the numbers must know."""
    found = [f"{name}: {text}" for text in result["warnings"]]
    for row, columns in result["values"].items():
        for column, values in columns.items():
            infinite = sum(value is not None and math.isinf(value) for value in values)
            rest = "" if infinite == len(values) else "; the mean leaves them out"
            if infinite:
                found.append(f"{name}: {column} of {infinite} images of {row} is infinite{rest}")
    return found


def check_names(out: str | Path | None, report: str | Path | None) -> None:
    """Refuse what cannot be written before anything is measured."""
    if out is not None and Path(out).suffix != ".json":
        raise ValueError(f"the result is a .json file (a .csv and a .md file are written beside it); got {str(out)!r}")
    if report is not None and Path(report).suffix not in (".html", ".htm"):
        raise ValueError(f"the report is a .html file; got {str(report)!r}")


def write(result: Result, out: str | Path) -> list[Path]:
    """``out`` (.json), and beside it the table (.md) and a line an image (.csv); returns the files."""
    out = Path(out)
    files = {out: json.dumps(finite(result), indent=1, allow_nan=False) + "\n"}
    files[out.with_suffix(".md")] = table(result)
    files[out.with_suffix(".csv")] = lines(result)
    for path, text in files.items():
        write_text(path, text)
    return list(files)


def read(path: str | Path) -> Result:
    """A result file."""
    try:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(result, dict) or result.get("format") != FORMAT:
            raise ValueError(f"it does not say that it has format {FORMAT}")
        needed = {"method", "protocol", "higher_is_better", "benchmarks"}
        if missing := needed - result.keys():
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{str(path)!r} is no result file: {error}") from error
    return _numbers(result)


def finite(value: Any) -> Any:
    """JSON knows no infinity: it is written as a string."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if value in ("inf", "-inf", "nan") else value


def lines(result: Result) -> str:
    """CSV: benchmark, image, row, and a column a metric."""
    columns = [name for name in result["higher_is_better"] if name != "NFE"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["benchmark", "image", "row", *columns])
    for name, one in result["benchmarks"].items():
        for row, values in one["values"].items():
            for index, image in enumerate(one["images"]):
                numbers = [values[column][index] if column in values else None for column in columns]
                writer.writerow([name, image, row, *("" if n is None else repr(n) for n in numbers)])
    return text.getvalue()


def cell(value: float | None) -> str:
    """A number as tables have it."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return str(value)
    if value == int(value):
        return str(int(value))
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"


def table(result: Result) -> str:
    """Markdown: a table a benchmark, with the protocol, the images and the warnings below."""
    parts = [_benchmark_table(name, one) for name, one in result["benchmarks"].items()]
    notes = [f"Protocol {result['protocol']['name']}.", *(f"Warning: {text}." for text in result["warnings"])]
    return "\n".join([*parts, *notes]) + "\n"


def _benchmark_table(name: str, result: Result) -> str:
    rows: dict[str, dict[str, float]] = result["rows"]
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [[name, *columns]] + [[row, *(cell(own.get(c)) for c in columns)] for row, own in rows.items()]
    seconds = "" if result["seconds_per_image"] is None else f", {result['seconds_per_image']:.3g} s an image"
    digest = f"sha256 {result['images_sha256'][:12]}" + (f", scale {result['scale']}" if result["scale"] else "")
    return markdown(cells) + f"\n{result['num_images']} images ({digest}){seconds}\n"


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first line is its head."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    made = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells]
    made.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(made) + "\n"
