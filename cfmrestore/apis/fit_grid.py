"""A time grid for a given number of evaluations, fitted to a trained model."""

import itertools
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from cfmrestore.engine import checkpoints
from cfmrestore.engine.jobs import TimeLeft, track
from cfmrestore.flows.grid_fit import GridFit, Reference, Times, fit_times, grid_error, reference
from cfmrestore.flows.sampling import Sampling
from cfmrestore.imageio.atomic import write_text
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore.sampler import Sampler
from cfmrestore.restore.starts import Starts, starts_of
from cfmrestore.solvers import Heun
from cfmrestore.solvers.base import Solver


@dataclass(frozen=True)
class FittedGrid:
    """A grid, and its error beside others of as many intervals, by their names."""

    times: Times
    errors: dict[str, float]
    grids: dict[str, Times]

    @property
    def config(self) -> str:
        """What a config says to take it."""
        return f'sampling=dict(grid=dict(type="ListedGrid", times={list(self.times)}), num_intervals=None)'


def fit_grid(
    model: str | Path,
    evaluations: int,
    *,
    images: str | Path | None = None,
    classes: Sequence[int] = (),
    solver: str | None = None,
    guidance: float | None = None,
    count: int = 64,
    crop: int = 96,
    seed: int = 0,
    batch: int = 16,
    fine: int = 64,
    steps: int = 200,
    out: str | Path | None = None,
    device: str = "auto",
) -> FittedGrid:
    """Place the times of a grid where the model's solver ends closest to a fine solution; no weight changes.

    Args:
        model: As for ``Sampler.from_pretrained``.
        evaluations: Of the network, for which the grid is.
        images: A file or folder of targets, from which the inputs of a model that restores are made.
        classes: Of a model that is told one, in turn; by default all.
        solver: Its name; by default the model's.
        guidance: By default the model's.
        count: Starts.
        crop: Side of the square that is cut from an image, in pixels.
        seed: Of the first start.
        batch: Starts at once.
        fine: Intervals of the fine solution, which is Heun's.
        steps: Grids that are tried, at most.
        out: JSON file of the result.
        device: As for ``Sampler``.
    """
    if min(count, batch, fine, steps) < 1:
        raise ValueError(f"count, batch, fine and steps are 1 or more; got {count}, {batch}, {fine} and {steps}")
    sampler = Sampler.from_pretrained(model, device=device, precision="fp32")
    sampling = sampler.settings(solver=solver, guidance=guidance)
    intervals = intervals_for(sampling.solver, evaluations)
    starts = starts_of(sampler, classes=classes, images=images, crop=crop, seed=seed)
    references = references_of(starts, sampling, count=count, batch=batch, fine=fine)
    grids = {
        "uniform": tuple(torch.linspace(0, 1, intervals + 1, dtype=torch.float64).tolist()),
        "the model's": tuple(sampling.grid(intervals).tolist()),
    }
    errors = {name: grid_error(sampling.solver, times, references) for name, times in grids.items()}
    with closing(TimeLeft([1.0])) as progress:
        progress.begin(f"at most {steps} grids")
        tried = itertools.count(1)

        def error(times: Times) -> float:
            measured = grid_error(sampling.solver, times, references)
            progress.update(next(tried) / (steps + len(grids)))
            return measured

        found = fit_times(error, list(grids.values()), trials=steps)
        progress.update(1.0)
    result = FittedGrid(found.times, {**errors, "fitted": found.error}, {**grids, "fitted": found.times})
    print(report(result, found, sampling, evaluations))
    if out is not None:
        write_text(out, json.dumps(_record(result, sampler, sampling, evaluations, count, fine, seed), indent=1) + "\n")
    return result


def intervals_for(solver: Solver, evaluations: int) -> int:
    """Intervals on which a solver takes so many evaluations, of which there are two or more."""
    name = type(solver).__name__
    if solver.nfe(1) is None:
        raise ValueError(f"{name} chooses its steps itself: a grid is fitted for the other solvers")
    possible = {solver.nfe(n): n for n in range(1, max(evaluations, 0) + 1)}
    intervals = possible.get(evaluations)
    if intervals is None or intervals < 2:
        fewest = solver.nfe(2)
        step = solver.evals_per_step
        raise ValueError(
            f"{name} takes {fewest} evaluations on a grid of two intervals and {step} for each more, and one interval "
            f"has no time to place; got {evaluations} evaluations"
        )
    return intervals


def references_of(starts: Starts, sampling: Sampling, *, count: int, batch: int, fine: int) -> list[Reference]:
    """So many starts with their fine ends, in batches."""
    numbers = [range(first, min(first + batch, count)) for first in range(0, count, batch)]
    velocity = replace(sampling, solver=Heun())
    return [
        reference(starts.start(starts.inputs(some), velocity), velocity.solver, fine)
        for some in track(numbers, f"ends by {fine} intervals")
    ]


def report(result: FittedGrid, found: GridFit, sampling: Sampling, evaluations: int) -> str:
    """A table of the grids, and what a config says."""
    cells = [["grid", "times", "mean squared distance from the fine end"]]
    for name, times in result.grids.items():
        cells.append([name, " ".join(f"{time:.4g}" for time in times), f"{result.errors[name]:.4g}"])
    head = f"{type(sampling.solver).__name__} at {evaluations} evaluations, {found.trials} grids tried"
    return f"{head}\n\n{markdown_table(cells)}\nin model of a config: {result.config}"


def _record(
    result: FittedGrid, sampler: Sampler, sampling: Sampling, evaluations: int, count: int, fine: int, seed: int
) -> dict[str, Any]:
    return {
        "checkpoint": str(sampler.file),
        "solver": type(sampling.solver).__name__,
        "evaluations": evaluations,
        "times": list(result.times),
        "errors": result.errors,
        "grids": {name: list(times) for name, times in result.grids.items()},
        "starts": {"count": count, "seed": seed, "fine": fine},
        "versions": checkpoints.versions(),
    }
