"""Figures of matplotlib, as files."""

from pathlib import Path
from typing import Any

from cfmrestore.imageio.atomic import atomic


def new_figure(lines: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    """A figure of that size in inches, and its axes in lines and columns."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(lines, columns, squeeze=False)


def set_cost_axes(axes: Any, metric: str, higher_is_better: bool) -> None:
    """Evaluations of the network, by their powers of two, against a metric."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylabel(f"{metric} ({'higher' if higher_is_better else 'lower'} is better)")
    axes.grid(alpha=0.3)


def save_figure(figure: Any, path: Path, title: str) -> None:
    """Write a figure as PNG, under a title."""
    figure.suptitle(title)
    with atomic(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110)
