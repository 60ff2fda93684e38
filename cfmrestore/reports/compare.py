"""Result files side by side: means, and how sure their differences are."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from cfmrestore.evaluation.functional.bootstrap import paired_interval
from cfmrestore.imageio.atomic import write_text
from cfmrestore.reports.html import Values
from cfmrestore.reports.json_csv import write_csv, write_json
from cfmrestore.reports.markdown import metrics_table
from cfmrestore.reports.results import Result, read_result

Interval = Callable[[np.ndarray], tuple[float, float]]


@dataclass(frozen=True)
class Cell:
    """One method in one metric."""

    benchmark: str
    method: str
    metric: str
    mean: float
    difference: float | None = None  # to the baseline, over the images where both are finite
    low: float | None = None
    high: float | None = None
    better: bool | None = None  # whether the interval lies on the better side of zero; None where that is open


def compare(
    paths: Sequence[str | Path],
    *,
    baseline: str | None = None,
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
    out: str | Path | None = None,
) -> list[Cell]:
    """Put result files side by side, with paired bootstrap intervals of the differences to a baseline.

    Args:
        paths: Result files, of one protocol and on the same images; NAME=FILE says how a row is called.
        baseline: The method that the others are held against; by default bicubic interpolation if every file has it,
            otherwise the first file's method.
        level: Of confidence.
        samples: Of the bootstrap.
        seed: Of the bootstrap.
        out: Markdown (.md), CSV (.csv) or JSON (.json) file.
    """
    if out is not None and Path(out).suffix not in (".md", ".csv", ".json"):
        raise ValueError(f"the comparison is a .md, .csv or .json file; got {str(out)!r}")
    named: dict[Path, str] = {}
    for name, path in map(_name_and_path, paths):
        if named.setdefault(path, name) != name:
            raise ValueError(f"{path} is given twice, as {named[path]!r} and {name!r}")
    if out is not None and any(Path(out).resolve() == path.resolve() for path in named):
        raise ValueError(f"{out} would be replaced by the comparison: name another file")
    files = {path: read_result(path) for path in named}
    if not files:
        raise ValueError("give the result files to compare")
    check_protocols(files)
    methods = [result["method"] for result in files.values()]  # by their files where two have one name
    names = {p: named[p] or (r["method"] if methods.count(r["method"]) == 1 else p.stem) for p, r in files.items()}
    cells: list[Cell] = []
    interval = partial(paired_interval, level=level, samples=samples, seed=seed)
    common = common_benchmarks(files)
    if twice := {name for name in names.values() if list(names.values()).count(name) > 1}:
        raise ValueError(f"two results would be called {min(twice)!r}: name them, as in NAME=RESULT.json")
    for places in common:
        results = {names[path]: files[path]["benchmarks"][name] for path, name in places.items()}
        count = next(iter(results.values()))["num_images"]
        benchmark = f"{next(iter(places.values()))} ({count} images)"
        directions = {key: up for result in files.values() for key, up in result["higher_is_better"].items()}
        cells += _compare(benchmark, results, directions, baseline, level, interval)
    text = report(cells, level)
    print(text)
    if out is not None:
        _write(Path(out), cells, text)
    return cells


def _name_and_path(given: str | Path) -> tuple[str, Path]:
    """The name before an equals sign, if it is not that of a file."""
    name, equals, path = str(given).partition("=")
    return (name, Path(path)) if equals and not Path(given).exists() else ("", Path(given))


def fewest(level: float) -> int:
    """Images from which a difference can be told at all.

    That all n differences have one sign happens by chance once in :math:`2^{n-1}`, which must be rarer than the level
    of confidence allows (the sign test): six images at 95 %.
    """
    return 1 + math.ceil(-math.log2(1 - level))


def check_protocols(files: Mapping[Path, Result]) -> None:
    """Numbers of two protocols are not comparable."""
    first, *others = files.items()
    for path, result in others:
        a, b = ({k: v for k, v in r["protocol"].items() if k != "source"} for r in (first[1], result))
        if a != b:
            raise ValueError(
                f"{first[0]} was measured by the protocol {a['name']!r} and {path} by {b['name']!r}: "
                "such numbers cannot be compared; measure both by one"
            )


def common_benchmarks(files: Mapping[Path, Result]) -> list[dict[Path, str]]:
    """The sets of the same images, restored from the same inputs, that all files have, by whatever name in each."""
    first, *others = files
    common, differing = [], list[str]()
    for name, benchmark in files[first]["benchmarks"].items():
        places = {first: name}
        for path in others:
            digest = benchmark["images_sha256"]
            same = {n: b for n, b in files[path]["benchmarks"].items() if b["images_sha256"] == digest}
            found = [
                n for n, b in same.items() if all(same_inputs(files[p]["benchmarks"][q], b) for p, q in places.items())
            ]
            places |= {path: found[0]} if found else {}
            if same and not found:
                differing.append(f"{first} ({name}) and {path} ({next(iter(same))})")
        if len(places) == len(files):
            common.append(places)
    if common and differing:
        print(f"left out, since made of other inputs: {'; '.join(differing)}", file=sys.stderr)
    if not common and differing:
        raise ValueError(
            f"the restorations of {differing[0]} have the same targets but were made of other inputs: their numbers "
            "cannot be compared; measure both on the same inputs"
        )
    if not common:
        sets = "; ".join(f"{path}: {', '.join(result['benchmarks'])}" for path, result in files.items())
        raise ValueError(f"the files have no set of the same images in common ({sets})")
    return common


def same_inputs(a: Result, b: Result) -> bool:
    """Whether two measurements of the same targets began at the same inputs, as far as the files tell.

    By their digests or, since another machine may round a pixel otherwise and older files have none, by what bicubic
    interpolation of them measured.
    """
    digests = {a.get("inputs_sha256"), b.get("inputs_sha256")}
    if None not in digests and len(digests) == 1:
        return True
    of_a, of_b = (result["values"].get("bicubic", {}) for result in (a, b))
    pairs = [pair for metric in of_a.keys() & of_b.keys() for pair in zip(of_a[metric], of_b[metric], strict=False)]
    if not pairs:
        return None in digests
    return all(_alike(*pair) for pair in pairs)


def _alike(x: float | None, y: float | None) -> bool:
    """Up to the rounding of another machine; None and NaN are like themselves."""
    if x is None or y is None:
        return x is y
    return math.isclose(x, y, rel_tol=1e-4, abs_tol=1e-4) or (math.isnan(x) and math.isnan(y))


def _compare(
    benchmark: str,
    results: Mapping[str, Result],
    directions: Mapping[str, bool],
    baseline: str | None,
    level: float,
    interval: Interval,
) -> list[Cell]:
    rows = {name: (result, "restored") for name, result in results.items()}
    if all("bicubic" in result["rows"] for result in results.values()):
        rows = {"bicubic": (next(iter(results.values())), "bicubic"), **rows}
    methods = {name: (result["rows"][row], result["values"].get(row, {})) for name, (result, row) in rows.items()}
    against = baseline or next(iter(methods))
    if against not in methods:
        raise ValueError(f"there is no method {against!r} to compare with; there are {', '.join(methods)}")
    order = [against, *(name for name in methods if name != against)]
    cells = []
    for metric in dict.fromkeys(key for means, _ in methods.values() for key in means):
        for name in order:
            means, values = methods[name]
            if metric in means:
                cell = Cell(benchmark, name, metric, means[metric])
                differences = _differences(values.get(metric, []), methods[against][1].get(metric, []))
                if name != against and len(differences) > 1:
                    low, high = interval(differences)
                    told = not low <= 0 <= high and len(differences) >= fewest(level)
                    better = (low > 0) == directions.get(metric, True) if told else None
                    cell = replace(cell, difference=float(differences.mean()), low=low, high=high, better=better)
                cells.append(cell)
    return cells


def _differences(values: Values, baseline: Values) -> np.ndarray:
    """Differences to the baseline, over the images where both are finite."""
    pairs = [(a, b) for a, b in zip(values, baseline, strict=False) if a is not None and b is not None]
    return np.array([a - b for a, b in pairs if math.isfinite(a) and math.isfinite(b)])


def report(cells: Sequence[Cell], level: float) -> str:
    """Markdown: a table a benchmark."""
    sets: dict[str, dict[str, dict[str, Cell]]] = {}
    for cell in cells:
        sets.setdefault(cell.benchmark, {}).setdefault(cell.method, {})[cell.metric] = cell
    parts = [metrics_table(benchmark, rows, _text) for benchmark, rows in sets.items()]
    note = f"In brackets: the {level:.0%} interval of the difference to the first row; + better, - worse, = open."
    note += f" Fewer than {fewest(level)} images leave it open."
    return "\n".join([*parts, note])


def _text(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    if cell.low is None or cell.high is None:
        return f"{cell.mean:.4g}"
    sign = {True: "+", False: "-", None: "="}[cell.better]
    return f"{cell.mean:.4g} [{cell.low:+.3g}, {cell.high:+.3g}] {sign}"


def _write(out: Path, cells: Sequence[Cell], text: str) -> None:
    rows = [asdict(cell) for cell in cells]
    if out.suffix == ".md":
        write_text(out, text + "\n")
    elif out.suffix == ".json":
        write_json(out, rows)
    else:
        write_csv(out, [list(rows[0]), *(list(row.values()) for row in rows)])
