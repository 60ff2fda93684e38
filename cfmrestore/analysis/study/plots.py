"""Plots of a study: a panel for the choices of its first axes, a line for each of the last."""

import math
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from cfmrestore.reports.figures import new_figure, save_figure, set_cost_axes

Summary = dict[str, Any]
Rows = list[dict[str, Any]]
_MARKERS = "osD^vPX*<>"
_SMALL = {"lw": 1.0, "ms": 4.5}


def draw_study(summary: Summary, benchmark: str, out: Path) -> None:
    """Draw what can be drawn of the metrics that are there: all but the solvers by the first solver."""
    panels = _panels(summary, benchmark)
    choices = next(iter(panels.values()))
    first = next(iter(choices.values()))
    directions = {name: first["higher_is_better"][name] for name in first["bicubic"]}
    if {"PSNR", "NIQE"} <= first["bicubic"].keys():
        _draw_plane(panels, out / f"{benchmark}_plane.png", f"{benchmark}; at the points: evaluations of the network")
    curves = {title: {label: rows_of_first_solver(m) for label, m in runs.items()} for title, runs in panels.items()}
    beside = {title: list(runs.values())[-1] for title, runs in panels.items()}
    path, title = out / f"{benchmark}_costs.png", f"{benchmark}, {first['rows'][0]['solver']}"
    _draw_costs(curves, directions, path, title, beside)
    # The solvers beside each other, for every choice of the last axis with the first of the others.
    curves = {label: by_solver(measured) for label, measured in choices.items()}
    _draw_costs(curves, directions, out / f"{benchmark}_solvers.png", f"{benchmark}: solvers", {})


def _draw_plane(panels: Mapping[str, Mapping[str, Summary]], path: Path, title: str) -> None:
    """Distortion against naturalness: a line a choice of the last axis, its points the evaluations."""
    figure, axes = _figure(1, len(panels))
    for (name, runs), place in zip(panels.items(), axes[0], strict=True):
        for marker, (label, measured) in zip(cycle(_MARKERS), runs.items(), strict=False):
            rows = rows_of_first_solver(measured)
            place.plot([r["PSNR"] for r in rows], [r["NIQE"] for r in rows], f"{marker}-", label=label, **_SMALL)
            for row in rows:
                at = (row["PSNR"], row["NIQE"])
                place.annotate(f"{row['NFE']:g}", at, (4, 3), textcoords="offset points", fontsize=7)
        place.plot(measured["bicubic"]["PSNR"], measured["bicubic"]["NIQE"], "kx", label="bicubic")
        place.axhline(measured["encoder"]["NIQE"], color="gray", ls=":", label="targets, encoded and decoded")
        place.set(title=name, xlabel="PSNR (to the right is better)", ylabel="NIQE")
        place.grid(alpha=0.3)
    _finish(figure, axes, path, title)


def _draw_costs(
    panels: Mapping[str, Mapping[str, Rows]],
    directions: Mapping[str, bool],
    path: Path,
    title: str,
    beside: Mapping[str, Summary],
) -> None:
    """Every metric against the evaluations, with what bicubic and the encoder reach where that is given."""
    names = list(directions)
    figure, axes = _figure(len(names), len(panels))
    for column, (panel, curves) in enumerate(panels.items()):
        for line, name in enumerate(names):
            place = axes[line][column]
            for marker, (label, rows) in zip(cycle(_MARKERS), curves.items(), strict=False):
                points = sorted((row["NFE"], row[name]) for row in rows)
                place.plot(*zip(*points, strict=True), f"{marker}-", label=label, **_SMALL)
            if panel in beside:
                place.axhline(beside[panel]["bicubic"][name], color="k", ls="--", lw=0.8, label="bicubic")
                ceiling = beside[panel]["encoder"].get(name, math.inf)
                if math.isfinite(ceiling):
                    place.axhline(ceiling, color="gray", ls=":", label="targets, encoded and decoded")
            set_cost_axes(place, name, directions[name])
            place.set_title(panel if line == 0 else "")
    _finish(figure, axes, path, title)


def _panels(summary: Summary, benchmark: str) -> dict[str, dict[str, Summary]]:
    """What the runs measured, by their choices on all axes but the last, and then by that."""
    *others, last = summary["axes"]
    panels: dict[str, dict[str, Summary]] = {}
    for run in sorted(summary["runs"], key=lambda run: summary["axes"][last].index(run[last])):
        panels.setdefault(", ".join(run[axis] for axis in others), {})[run[last]] = run["benchmarks"][benchmark]
    return panels


def by_solver(measured: Mapping[str, Any]) -> dict[str, Rows]:
    """Rows of a sweep by their solvers."""
    rows: dict[str, Rows] = {}
    for row in measured["rows"]:
        rows.setdefault(row["solver"], []).append(row)
    return rows


def rows_of_first_solver(measured: Mapping[str, Any]) -> Rows:
    """Rows of a sweep by its first solver."""
    return next(iter(by_solver(measured).values()))


def _figure(lines: int, columns: int) -> tuple[Any, Any]:
    return new_figure(lines, columns, max(4.4 * columns, 6.0), 3.3 * lines + 1.0)


def _finish(figure: Any, axes: Any, path: Path, title: str) -> None:
    """One legend below all panels, since they share their lines."""
    handles = {
        label: handle for place in axes.flat for handle, label in zip(*place.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=8)
    save_figure(figure, path, title)
