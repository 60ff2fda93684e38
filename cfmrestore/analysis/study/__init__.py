"""Studies: trainings that differ in what is compared and in nothing else, under many solvers and intervals."""

import json
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cfmrestore.analysis.study.plan import StudyRun, read_study
from cfmrestore.analysis.study.plots import Summary, draw_study, rows_of_first_solver
from cfmrestore.analysis.sweep import sweep
from cfmrestore.apis.train import train
from cfmrestore.engine import checkpoints
from cfmrestore.engine.config.load import load_config
from cfmrestore.engine.jobs import run_jobs
from cfmrestore.former_names import update_names
from cfmrestore.imageio.atomic import write_text
from cfmrestore.reports.json_csv import read_json, write_json
from cfmrestore.reports.markdown import fill, format_number, markdown_table

_RECIPE = "recipe.json"


@dataclass(frozen=True)
class StudyJob:
    """Training and measurement of a run."""

    run: StudyRun
    benchmarks: Mapping[str, str]
    folder: Path
    options: Mapping[str, Any]  # of the run, with the files that they refer to

    @property
    def training(self) -> dict[str, Any]:
        """What decides the weights: the whole config, with the names of other runs in place of their files."""
        cfg = load_config(self.run.config, self.run.options)
        left_out = ("test_evaluator", "test_dataloader")
        return {key: value for key, value in checkpoints.as_data(cfg.to_dict()).items() if key not in left_out}

    def measuring(self, where: str) -> dict[str, Any]:
        """What decides the numbers, given the weights."""
        metrics = checkpoints.as_data(load_config(self.run.config, self.run.options).test_evaluator)
        return {"solvers": self.run.solvers, "intervals": self.run.intervals, "images": where, "metrics": metrics}

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
    page: str | Path | None = None,
) -> Summary:
    """Train and measure all runs of a study; what is done already is not done again.

    Args:
        path: The study's file.
        work_dir: Where the trainings go.
        out: Folder for ``study.json`` and, for every benchmark, ``NAME.md`` and three plots.
        benchmarks: Names and folders, in place of the file's.
        workers: Processes, each with one thread.
        options: Dotted keys of the config and their values, for all runs.
        page: A text file, in which the tables take the places between lines ``<!-- NAME: begin -->`` and ``end``.
    """
    plan, work_dir = read_study(path, benchmarks, options), Path(work_dir)
    if page is not None:
        for name in plan.benchmarks:
            fill(page, name, "", check=True)
    runs: list[dict[str, Any]] = []
    for wave in plan.waves():
        weights = {run.name: str(_weights(work_dir / run.name)) for run in plan.runs}
        todo = [StudyJob(run, plan.benchmarks, work_dir / run.name, run.resolved(weights)) for run in wave]
        runs += run_jobs(run_one, todo, workers)
    versions = checkpoints.versions()
    summary = {"study": Path(path).name, "axes": dict(plan.axes), "versions": versions, "runs": runs}
    write_json(Path(out) / "study.json", summary)
    for name in plan.benchmarks:
        table = study_table(summary, name)
        print(table)
        write_text(Path(out) / f"{name}.md", table)
        draw_study(summary, name, Path(out))
        if page is not None:
            fill(page, name, table)
    return summary


def _weights(folder: Path) -> Path:
    latest = checkpoints.find_latest(folder / "run")
    return (latest or folder / "run" / "none").with_suffix(".safetensors")


def run_one(job: StudyJob) -> dict[str, Any]:
    """Train and measure; what is printed on the way goes to a file."""
    torch.set_num_threads(1)  # the same sums in one process and in many
    training, run, benchmarks = job.training, job.folder / "run", {}
    _check_recipe(job.folder / _RECIPE, training, f"{job.folder} was trained otherwise than {job.run} is asked for now")
    last = run / f"iter_{training['train_cfg']['max_iters']}.pth"
    with (job.folder / "log.txt").open("a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        if not last.is_file():
            train(job.run.config, work_dir=str(run), resume="auto", validate=False, options=job.options)
        if not last.is_file():
            raise ValueError(f"the training was stopped before {last.stem}: the same command goes on with it")
        for name, where in job.benchmarks.items():
            benchmarks[name] = _measured(job, last, job.folder / name, f"{name}={where}")
    weights = checkpoints.load(last.with_suffix(".safetensors"))["state_dict"]
    parameters = sum(value.numel() for value in weights.values())
    iterations = training["train_cfg"]["max_iters"]
    return {**job.run.choices, "parameters": parameters, "iterations": iterations, "benchmarks": benchmarks}


def _check_recipe(path: Path, recipe: dict[str, Any], message: str) -> None:
    """Write what decides a result, or refuse where another decided it."""
    recipe = json.loads(json.dumps(recipe))
    if path.is_file() and update_names(json.loads(path.read_text(encoding="utf-8")), warn=False) != recipe:
        raise ValueError(f"{message}: take another --work-dir, or delete that folder")
    write_text(path, json.dumps(recipe, indent=1) + "\n")


def _measured(job: StudyJob, checkpoint: Path, place: Path, benchmark: str) -> dict[str, Any]:
    """The sweep of a benchmark, from its file where it was measured before."""
    recipe = job.measuring(benchmark)
    if (place / "sweep.json").is_file():
        _check_recipe(place / _RECIPE, recipe, f"{place} was measured otherwise than {job.run} is asked for now")
    else:
        keys: dict[str, Any] = {"solvers": job.run.solvers, "intervals": job.run.intervals, "benchmark": benchmark}
        keys |= {"work_dir": str(job.folder / "measured"), "options": job.options}
        write_text(place / _RECIPE, json.dumps(recipe, indent=1) + "\n")
        sweep(job.run.config, checkpoint, place, **keys)
    measured = read_json(place / "sweep.json")
    return {key: measured[key] for key in ("protocol", "higher_is_better", "bicubic", "encoder", "rows")}


def study_table(summary: Summary, benchmark: str) -> str:
    """Markdown: a line a run and number of evaluations, by the first solver."""
    axes, bicubic = list(summary["axes"]), summary["runs"][0]["benchmarks"][benchmark]["bicubic"]
    cells = [[*axes, "NFE", *bicubic], ["bicubic", *[""] * len(axes), *map(format_number, bicubic.values())]]
    for run in summary["runs"]:
        for row in rows_of_first_solver(run["benchmarks"][benchmark]):
            numbers = (format_number(row[name]) for name in bicubic)
            cells.append([*(run[axis] for axis in axes), f"{row['NFE']:g}", *numbers])
    return markdown_table(cells)
