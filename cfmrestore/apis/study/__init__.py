"""Trainings that differ in what is compared and in nothing else, under many solvers and intervals, on one page."""

import json
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfmrestore.apis import jobs, results
from cfmrestore.apis.config import load_config
from cfmrestore.apis.study import plots
from cfmrestore.apis.study.plan import Run, Study, read
from cfmrestore.apis.sweep import sweep
from cfmrestore.apis.train import train
from cfmrestore.engine import checkpoints
from cfmrestore.engine.atomic import write_text

Result = dict[str, Any]
_RECIPE = "recipe.json"


@dataclass(frozen=True)
class Job:
    """A run, and where it is done."""

    run: Run
    study: Study
    folder: Path
    options: Mapping[str, Any]

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides its results."""
        walked = {"solvers": self.run.solvers, "intervals": self.run.intervals}
        recipe: dict[str, Any] = {"options": self.options, **walked, "benchmarks": dict(self.study.benchmarks)}
        return dict(json.loads(json.dumps(recipe)))

    def __str__(self) -> str:
        return f"{self.run} (see {self.folder / 'log.txt'})"


def study(
    path: str | Path,
    work_dir: str | Path,
    out: str | Path,
    *,
    benchmarks: Mapping[str, str] | None = None,
    workers: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Result:
    """Train and measure all runs of a study; what is done already is not done again.

    Args:
        path: The study's file.
        work_dir: Where the trainings go.
        out: Folder for ``study.json`` and, for every benchmark, ``NAME.md`` and three plots.
        benchmarks: Names and folders, in place of the file's.
        workers: Processes, each with one thread.
        options: Dotted keys of the config and their values, for all runs.
    """
    plan, work_dir = read(path, benchmarks, options), Path(work_dir)
    done: list[Result] = []
    for wave in plan.waves():
        weights = {run.name: str(_weights(work_dir / run.name)) for run in plan.runs}
        todo = [Job(run, plan, work_dir / run.name, run.resolved(weights)) for run in wave]
        for job in todo:
            _check(job)
        done += jobs.run(run_one, todo, workers)
    summary = {
        "study": Path(path).name,
        "axes": dict(plan.axes),
        "versions": checkpoints.versions(),
        "runs": done,
    }
    write(summary, Path(out))
    return summary


def write(summary: Result, out: Path) -> None:
    """The files of a study."""
    write_text(out / "study.json", json.dumps(results.finite(summary), indent=1, allow_nan=False) + "\n")
    for name in summary["runs"][0]["benchmarks"]:
        write_text(out / f"{name}.md", table(summary, name))
        plots.plane(summary, name, out / f"{name}_plane.png")
        plots.costs(summary, name, out / f"{name}_costs.png")
        plots.solvers(summary, name, out / f"{name}_solvers.png")


def _weights(folder: Path) -> Path:
    latest = checkpoints.find_latest(folder / "run")
    return (latest or folder / "run" / "none").with_suffix(".safetensors")


def _check(job: Job) -> None:
    """Refuse a folder in which something else was done."""
    path = job.folder / _RECIPE
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != job.recipe:
        raise ValueError(f"{job.folder} was made otherwise than {job.run} is asked for now: take another --work-dir")
    write_text(path, json.dumps(job.recipe, indent=1) + "\n")


def run_one(job: Job) -> Result:
    """Train and measure; what is said on the way goes to a file."""
    cfg = load_config(job.run.config, job.options)
    run, benchmarks = job.folder / "run", {}
    with (job.folder / "log.txt").open("a") as log, redirect_stdout(log), redirect_stderr(log):
        if not (run / f"iter_{cfg.train_cfg.max_iters}.pth").is_file():
            train(job.run.config, work_dir=str(run), resume="auto", validate=False, options=job.options)
        for name, where in job.study.benchmarks.items():
            place = job.folder / name
            if not (place / "sweep.json").is_file():
                sweep(
                    job.run.config,
                    run,
                    place,
                    solvers=job.run.solvers,
                    intervals=job.run.intervals,
                    benchmark=f"{name}={where}",
                    work_dir=str(job.folder / "measured"),
                    options=job.options,
                )
            measured = json.loads((place / "sweep.json").read_text(encoding="utf-8"))
            benchmarks[name] = {key: measured[key] for key in ("protocol", "bicubic", "encoder", "rows")}
    weights = checkpoints.load(_weights(job.folder))["state_dict"]
    parameters = sum(value.numel() for key, value in weights.items() if key.startswith("network."))
    return {
        **job.run.choices,
        "parameters": parameters,
        "iterations": cfg.train_cfg.max_iters,
        "benchmarks": benchmarks,
    }


def table(summary: Result, benchmark: str) -> str:
    """Markdown: a line a run and number of evaluations, by the first solver."""
    axes, parts = list(summary["axes"]), list[list[str]]()
    for run in summary["runs"]:
        own = run["benchmarks"][benchmark]
        if not parts:
            columns = list(own["bicubic"])
            parts = [[*axes, "NFE", *columns], ["bicubic", *[""] * len(axes), *_cells(own["bicubic"], columns)]]
        for row in own["rows"]:
            if row["solver"] == own["rows"][0]["solver"]:
                parts.append([*(run[axis] for axis in axes), f"{row['NFE']:g}", *_cells(row, columns)])
    return results.markdown(parts)


def _cells(row: Mapping[str, Any], columns: list[str]) -> list[str]:
    return [results.cell(float(row[name])) for name in columns]
