"""Plots of a study: a panel for the choices of its first axes, a line for each of the last."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cfmrestore.analysis.figures import new_figure, save_figure

Summary = dict[str, Any]
_MARKERS = "osD^vPX*<>"
_SMALL = {"lw": 1.0, "ms": 4.5}


def draw_study(summary: Summary, benchmark: str, out: Path) -> None:
    """Draw what can be drawn of the metrics that are there."""
    names = list(summary["runs"][0]["benchmarks"][benchmark]["bicubic"])
    if {"PSNR", "NIQE"} <= set(names):
        _draw_plane(summary, benchmark, out / f"{benchmark}_plane.png")
    _draw_costs(summary, benchmark, out / f"{benchmark}_costs.png")
    _draw_solvers(summary, benchmark, out / f"{benchmark}_solvers.png")


def _draw_plane(summary: Summary, benchmark: str, path: Path, x: str = "PSNR", y: str = "NIQE") -> None:
    """Distortion against naturalness: a line a choice of the last axis, its points the evaluations."""
    panels = list(_panels(summary))
    figure, axes = _figure(1, len(panels))
    for (title, runs), place in zip(panels, axes[0], strict=True):
        for number, (label, run) in enumerate(runs.items()):
            measured = run["benchmarks"][benchmark]
            rows = rows_of_first_solver(measured)
            place.plot([r[x] for r in rows], [r[y] for r in rows], _style(number), label=label, **_SMALL)
            for row in rows:
                place.annotate(f"{row['NFE']:g}", (row[x], row[y]), (4, 3), textcoords="offset points", fontsize=7)
        place.plot(measured["bicubic"][x], measured["bicubic"][y], "kx", label="bicubic")
        place.axhline(measured["encoder"][y], color="gray", ls=":", label="targets, encoded and decoded")
        place.set(title=title, xlabel=f"{x} (to the right is better)", ylabel=y)
    _finish(figure, axes, path, f"{benchmark}; at the points: evaluations of the network")


def _draw_costs(summary: Summary, benchmark: str, path: Path) -> None:
    """Every metric against the evaluations, by the first solver."""
    panels = list(_panels(summary))
    names = list(summary["runs"][0]["benchmarks"][benchmark]["bicubic"])
    figure, axes = _figure(len(names), len(panels))
    for column, (title, runs) in enumerate(panels):
        for line, name in enumerate(names):
            place = axes[line][column]
            for number, (label, run) in enumerate(runs.items()):
                measured = run["benchmarks"][benchmark]
                _curve(place, rows_of_first_solver(measured), name, _style(number), label)
            place.axhline(measured["bicubic"][name], color="k", ls="--", lw=0.8, label="bicubic")
            ceiling = measured["encoder"].get(name, math.inf)
            if math.isfinite(ceiling):
                place.axhline(ceiling, color="gray", ls=":", label="targets, encoded and decoded")
            place.set(title=title if line == 0 else "", ylabel=f"{name} {_arrow(measured, name)}")
    _finish(figure, axes, path, f"{benchmark}, {measured['rows'][0]['solver']}")


def _draw_solvers(summary: Summary, benchmark: str, path: Path) -> None:
    """The solvers beside each other, for every choice of the last axis with the first of the others."""
    _, runs = next(_panels(summary))
    names = list(summary["runs"][0]["benchmarks"][benchmark]["bicubic"])
    figure, axes = _figure(len(names), len(runs))
    for column, (label, run) in enumerate(runs.items()):
        measured = run["benchmarks"][benchmark]
        for line, name in enumerate(names):
            for number, solver in enumerate(dict.fromkeys(row["solver"] for row in measured["rows"])):
                rows = [row for row in measured["rows"] if row["solver"] == solver]
                _curve(axes[line][column], rows, name, _style(number), solver)
            axes[line][column].set(title=label if line == 0 else "", ylabel=f"{name} {_arrow(measured, name)}")
    _finish(figure, axes, path, f"{benchmark}: solvers")


def _panels(summary: Summary) -> Iterator[tuple[str, dict[str, Summary]]]:
    """The runs, by their choices on all axes but the last, and then by that."""
    *others, last = summary["axes"]
    panels: dict[str, dict[str, Summary]] = {}
    for run in summary["runs"]:
        panels.setdefault(", ".join(run[axis] for axis in others), {})[run[last]] = run
    for title, runs in panels.items():
        yield title, {choice: runs[choice] for choice in summary["axes"][last] if choice in runs}


def rows_of_first_solver(measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of a sweep by its first solver."""
    return [row for row in measured["rows"] if row["solver"] == measured["rows"][0]["solver"]]


def _curve(place: Any, rows: Sequence[Mapping[str, Any]], name: str, style: str, label: str) -> None:
    points = sorted((row["NFE"], row[name]) for row in rows)
    place.plot(*zip(*points, strict=True), style, label=label, **_SMALL)
    place.set_xscale("log", base=2)
    place.xaxis.set_major_formatter("{x:g}")


def _arrow(measured: Summary, name: str) -> str:
    return f"({'higher' if measured['higher_is_better'][name] else 'lower'} is better)"


def _style(number: int) -> str:
    return f"{_MARKERS[number % len(_MARKERS)]}-"


def _figure(lines: int, columns: int) -> tuple[Any, Any]:
    return new_figure(lines, columns, max(4.4 * columns, 6.0), 3.3 * lines + 1.0)


def _finish(figure: Any, axes: Any, path: Path, title: str) -> None:
    """One legend below all panels, since they share their lines."""
    for place in axes.flat:
        place.grid(alpha=0.3)
    handles = {
        label: handle for place in axes.flat for handle, label in zip(*place.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=8)
    save_figure(figure, path, title)
