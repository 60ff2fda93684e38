"""The pictures of a study: an axis a panel, the next axis a line."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cfmrestore.analysis.figures import new_figure, save_figure

Result = dict[str, Any]
_MARKERS = "osD^vPX*<>"
_SMALL = {"lw": 1.0, "ms": 4.5}


def draw_all(summary: Result, benchmark: str, out: Path) -> None:
    """What can be drawn of the metrics that are there."""
    names = list(summary["runs"][0]["benchmarks"][benchmark]["bicubic"])
    if {"PSNR", "NIQE"} <= set(names):
        plane(summary, benchmark, out / f"{benchmark}_plane.png")
    costs(summary, benchmark, out / f"{benchmark}_costs.png")
    solvers(summary, benchmark, out / f"{benchmark}_solvers.png")


def plane(summary: Result, benchmark: str, path: Path, x: str = "PSNR", y: str = "NIQE") -> None:
    """Distortion against naturalness: a line a choice of the last axis, its points the evaluations."""
    panels = list(_panels(summary))
    figure, axes = _figure(1, len(panels))
    for (title, runs), place in zip(panels, axes[0], strict=True):
        for number, (label, run) in enumerate(runs.items()):
            own = run["benchmarks"][benchmark]
            rows = walk(own["rows"])
            place.plot([r[x] for r in rows], [r[y] for r in rows], _style(number), label=label, **_SMALL)
            for row in rows:
                place.annotate(f"{row['NFE']:g}", (row[x], row[y]), (4, 3), textcoords="offset points", fontsize=7)
        place.plot(own["bicubic"][x], own["bicubic"][y], "kx", label="bicubic")
        place.axhline(float(own["encoder"][y]), color="gray", ls=":", label="targets, encoded and decoded")
        place.set(title=title, xlabel=f"{x} (to the right is better)", ylabel=y)
    _finish(figure, axes, path, f"{benchmark}; at the points: evaluations of the network")


def costs(summary: Result, benchmark: str, path: Path) -> None:
    """Every metric against the evaluations, by the first solver."""
    panels = list(_panels(summary))
    names = list(summary["runs"][0]["benchmarks"][benchmark]["bicubic"])
    figure, axes = _figure(len(names), len(panels))
    for column, (title, runs) in enumerate(panels):
        for line, name in enumerate(names):
            place = axes[line][column]
            for number, (label, run) in enumerate(runs.items()):
                own = run["benchmarks"][benchmark]
                _curve(place, walk(own["rows"]), name, _style(number), label)
            place.axhline(float(own["bicubic"][name]), color="k", ls="--", lw=0.8, label="bicubic")
            ceiling = float(own["encoder"].get(name, math.inf))
            if math.isfinite(ceiling):
                place.axhline(ceiling, color="gray", ls=":", label="targets, encoded and decoded")
            place.set(title=title if line == 0 else "", ylabel=f"{name} {_arrow(own, name)}")
    _finish(figure, axes, path, f"{benchmark}, {walk(own['rows'])[0]['solver']}")


def solvers(summary: Result, benchmark: str, path: Path) -> None:
    """The solvers beside each other, for every choice of the last axis with the first of the others."""
    _, runs = next(_panels(summary))
    names = list(summary["runs"][0]["benchmarks"][benchmark]["bicubic"])
    figure, axes = _figure(len(names), len(runs))
    for column, (label, run) in enumerate(runs.items()):
        own = run["benchmarks"][benchmark]
        for line, name in enumerate(names):
            for number, solver in enumerate(dict.fromkeys(row["solver"] for row in own["rows"])):
                rows = [row for row in own["rows"] if row["solver"] == solver]
                _curve(axes[line][column], rows, name, _style(number), solver)
            axes[line][column].set(title=label if line == 0 else "", ylabel=f"{name} {_arrow(own, name)}")
    _finish(figure, axes, path, f"{benchmark}: solvers")


def _panels(summary: Result) -> Iterator[tuple[str, dict[str, Result]]]:
    """The runs, by their choices on all axes but the last, and then by that."""
    *others, last = summary["axes"]
    found: dict[str, dict[str, Result]] = {}
    for run in summary["runs"]:
        found.setdefault(", ".join(run[axis] for axis in others), {})[run[last]] = run
    order = {name: number for number, name in enumerate(summary["axes"][last])}
    for title, runs in found.items():
        yield title, dict(sorted(runs.items(), key=lambda pair: order[pair[0]]))


def walk(rows: list[Result]) -> list[Result]:
    """Those of the first solver."""
    return [row for row in rows if row["solver"] == rows[0]["solver"]]


def _curve(place: Any, rows: Sequence[Mapping[str, Any]], name: str, style: str, label: str) -> None:
    own = sorted((row["NFE"], row[name]) for row in rows)
    place.plot(*zip(*own, strict=True), style, label=label, **_SMALL)
    place.set_xscale("log", base=2)
    place.xaxis.set_major_formatter("{x:g}")


def _arrow(measured: Result, name: str) -> str:
    return f"({'higher' if measured['higher_is_better'][name] else 'lower'} is better)"


def _style(number: int) -> str:
    return f"{_MARKERS[number % len(_MARKERS)]}-"


def _figure(lines: int, columns: int) -> tuple[Any, Any]:
    return new_figure(lines, columns, max(4.4 * columns, 6.0), 3.3 * lines + 1.0)


def _finish(figure: Any, axes: Any, path: Path, title: str) -> None:
    """One legend below all panels, since they share their lines."""
    for place in axes.flat:
        place.grid(alpha=0.3)
    found = {
        label: handle for place in axes.flat for handle, label in zip(*place.get_legend_handles_labels(), strict=True)
    }
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=4, fontsize=8)
    save_figure(figure, path, title)
