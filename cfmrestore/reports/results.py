"""Result files: what was measured, how, on which images; as JSON, as CSV with a line an image, and as a table."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cfmrestore.engine import checkpoints
from cfmrestore.evaluation.protocols import Protocol
from cfmrestore.evaluation.scores import Scores
from cfmrestore.imageio.atomic import write_text
from cfmrestore.reports.html import Pictures, write_report
from cfmrestore.reports.json_csv import read_json, write_csv, write_json
from cfmrestore.reports.markdown import format_number, metrics_table

FORMAT = 1
Result = dict[str, Any]
_PLAIN = {"hr", "gt", "high", "target", "targets", "restored", "results", "output", "out", "lr", "low"}


def title_of(folder: str | Path) -> str:
    """The folder's name, with those above it where it says little, as in ``set5/x4/hr``."""
    path = Path(folder).resolve()
    return "/".join(path.parts[-3:]) if path.name.lower() in _PLAIN else path.name


def assemble(method: str, protocol: Protocol, benchmarks: Mapping[str, Scores], settings: Mapping[str, Any]) -> Result:
    """The whole of a result file; its settings say how the restorations were made, or where they lie."""
    return {
        "format": FORMAT,
        "method": method,
        "settings": dict(settings),
        "protocol": asdict(protocol),
        "versions": checkpoints.versions(),
        "warnings": [f"{name}: {text}" for name, scores in benchmarks.items() for text in _warnings(scores)],
        "higher_is_better": Scores.merge(benchmarks.values()).higher_is_better,
        "benchmarks": {name: _benchmark(scores) for name, scores in benchmarks.items()},
    }


def _benchmark(scores: Scores) -> Result:
    """The part of one set of images."""
    images = scores.images
    assert images is not None
    values = {
        row: {column: [s.values.get(name) for name in images.names] for column, s in columns.items() if s.values}
        for row, columns in scores.rows.items()
    }
    return {
        "num_images": len(images.names),
        "images": list(images.names),
        "images_sha256": images.sha256,
        "inputs_sha256": images.inputs_sha256,
        "scale": images.scale,
        "rows": {"restored": {}, **scores.means()},
        "values": {row: columns for row, columns in values.items() if columns},
        "seconds_per_image": images.seconds,
        "warnings": list(scores.warnings),
    }


def _warnings(scores: Scores) -> Iterator[str]:
    """What a reader of the numbers must know; that an encoder gives every target back is none of it."""
    yield from scores.warnings
    for row, columns in scores.rows.items():
        for column, score in columns.items():
            infinite = sum(math.isinf(value) for value in score.values.values())
            everywhere = infinite == len(score.values)
            rest = "" if everywhere else "; the mean leaves them out"
            if infinite and not (everywhere and row == "encoder"):
                yield f"{column} of {infinite} images of {row} is infinite{rest}"


def check_names(out: str | Path | None, report: str | Path | None) -> None:
    """Refuse what cannot be written before anything is measured."""
    if out is not None and Path(out).suffix != ".json":
        raise ValueError(f"the result is a .json file (a .csv and a .md file are written beside it); got {str(out)!r}")
    if report is not None and Path(report).suffix not in (".html", ".htm"):
        raise ValueError(f"the report is a .html file; got {str(report)!r}")


def write_result(result: Result, out: str | Path) -> None:
    """``out`` (.json), and beside it the table (.md) and a line an image (.csv)."""
    out = Path(out)
    write_json(out, result)
    write_text(out.with_suffix(".md"), result_table(result))
    write_csv(out.with_suffix(".csv"), _lines(result))


def write_outputs(result: Result, out: str | None, report: str | None, pictures: Pictures) -> None:
    """Print the table, and write what is asked for: the files of ``write_result``, the page of ``write_report``."""
    print(f"\n{result_table(result)}")
    if out is not None:
        write_result(result, out)
    if report is not None:
        write_report(report, result, pictures)
        print(f"look at {report}")


def read_result(path: str | Path) -> Result:
    """A result file."""
    try:
        result = read_json(path)
        if not isinstance(result, dict) or result.get("format") != FORMAT:
            raise ValueError(f"it does not say that it has format {FORMAT}")
        needed = {"method", "protocol", "higher_is_better", "benchmarks"}
        if missing := needed - result.keys():
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except (OSError, ValueError) as error:
        raise ValueError(f"{str(path)!r} is no result file: {error}") from error
    return result


def _lines(result: Result) -> Iterator[list[Any]]:
    """Benchmark, image, row, and a column a metric."""
    columns = [name for name in result["higher_is_better"] if name != "NFE"]
    yield ["benchmark", "image", "row", *columns]
    for name, benchmark in result["benchmarks"].items():
        for row, values in benchmark["values"].items():
            for index, image in enumerate(benchmark["images"]):
                yield [name, image, row, *(values[column][index] if column in values else None for column in columns)]


def result_table(result: Result) -> str:
    """Markdown: a table a benchmark, with the protocol, the images and the warnings below."""
    parts = [_benchmark_table(name, benchmark) for name, benchmark in result["benchmarks"].items()]
    notes = [f"Protocol {result['protocol']['name']}.", *(f"Warning: {text}." for text in result["warnings"])]
    return "\n".join([*parts, *notes]) + "\n"


def _benchmark_table(name: str, benchmark: Result) -> str:
    seconds = "" if benchmark["seconds_per_image"] is None else f", {benchmark['seconds_per_image']:.3g} s an image"
    scale = f", scale {benchmark['scale']}" if benchmark["scale"] else ""
    images = f"{benchmark['num_images']} images (sha256 {benchmark['images_sha256'][:12]}{scale}){seconds}"
    return f"{metrics_table(name, benchmark['rows'], format_number)}\n{images}\n"
