"""Quality against cost: one checkpoint under many solvers and numbers of intervals."""

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from cfmrestore.analysis.held_out import held_out_inputs, start_of
from cfmrestore.engine import checkpoints
from cfmrestore.engine.memory import PeakMemory
from cfmrestore.engine.runner import RestorationRunner
from cfmrestore.engine.setup import benchmark_dataset, build_runner, prepare_config, prepare_test_config
from cfmrestore.evaluation import protocols
from cfmrestore.evaluation.functional.pareto import pareto_front
from cfmrestore.evaluation.functional.straightness import straightness
from cfmrestore.evaluation.scores import Scores
from cfmrestore.registry import SOLVERS, find_class
from cfmrestore.reports.figures import new_figure, save_figure, set_cost_axes
from cfmrestore.reports.json_csv import write_csv, write_json
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore import stages

Row = dict[str, Any]
_ONCE = "fidelity 1 is one evaluation, whatever the solver and the intervals, and is measured once"


def sweep(
    config: str | Path,
    checkpoint: str | Path,
    out: str | Path,
    *,
    solvers: Sequence[str] = ("Euler", "Heun"),
    intervals: Sequence[int] = (1, 2, 4, 8),
    seeds: Sequence[int] = (0,),
    fidelities: Sequence[float] | None = None,
    benchmark: str | None = None,
    protocol: str | None = None,
    metrics: Sequence[str] | None = None,
    weights: str | None = None,
    work_dir: str | None = None,
    launcher: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Measure a checkpoint under every combination; writes ``sweep.csv``, ``sweep.json`` and ``sweep.png``.

    Args:
        config: The config file.
        checkpoint: A ``.pth`` or ``.safetensors`` file, a work directory for its newest checkpoint, or a bundled model.
        out: Folder for the files.
        solvers: Their names.
        intervals: How many the grid has.
        seeds: Of the noise that a restoration starts at.
        fidelities: From 0, the most detailed, to 1, the most faithful, which does not depend on solver and
            intervals and is measured once; by default the config's.
        benchmark: NAME=FOLDERS, in place of the config's test set.
        protocol: How images are compared, in place of the config's.
        metrics: Their names, in any case, in place of the config's.
        weights: Folder with the weights of networks that these metrics need; without it, torch's cache.
        work_dir: Where the log is written.
        launcher: "none", "pytorch", "slurm" or "mpi"; by default what the environment says.
        options: Dotted keys of the config and their values.
    """
    for solver in solvers:
        find_class({"type": solver}, SOLVERS)
    if any(not 0 <= fidelity <= 1 for fidelity in fidelities or ()):
        raise ValueError(f"fidelities lie between 0 and 1; got {fidelities}")
    if not (solvers and intervals and seeds) or min(intervals) < 1:
        raise ValueError(f"need solvers, seeds, and intervals of 1 or more; got {solvers=}, {intervals=}, {seeds=}")
    cfg = prepare_config(config, work_dir=work_dir, launcher=launcher, options=options)
    cfg = prepare_test_config(cfg, stages.find_model(checkpoint), protocol, metrics, weights)
    name, equals, where = (benchmark or "").partition("=")
    if benchmark is not None and not (name and equals and where):
        raise ValueError(f"a benchmark is NAME=FOLDERS; got {benchmark!r}")
    dataset = benchmark_dataset(name, where, cfg.model.get("scale", 4)) if where else None
    runner = build_runner(cfg)
    sampling, rows, scores = runner.bare_model.sampling, list[Row](), Scores()
    for setting in settings(solvers, intervals, seeds, fidelities or [sampling.fidelity]):
        changed = replace(sampling, **{**setting, "solver": {"type": setting["solver"]}})
        with PeakMemory(next(runner.bare_model.parameters()).device) as peak:
            # What the encoder can do is the same under all settings.
            measured = runner.test_on(dataset, options={"sampling": changed, "ceiling": not rows})
        assert measured.images is not None
        cost = {"seconds_per_image": measured.images.seconds, "peak_mib": peak.bytes / 2**20}
        rows.append({**setting, **measured.means()["restored"], **cost})
        scores = scores if scores.rows else measured
        runner.logger.info(" ".join(f"{key} {_short(value)}" for key, value in rows[-1].items()))
    if runner.rank == 0:
        left_out = len(solvers) * len(intervals) * len(seeds) * len(fidelities or [None]) - len(rows)
        _finish(runner, cfg, rows, scores, Path(out), left_out)
    return rows


def settings(
    solvers: Sequence[str], intervals: Sequence[int], seeds: Sequence[int], fidelities: Sequence[float]
) -> Iterator[Row]:
    """All combinations that differ in what they compute."""
    for solver, count, seed, fidelity in itertools.product(solvers, intervals, seeds, fidelities):
        if fidelity < 1 or (solver, count) == (solvers[0], intervals[0]):
            yield {"solver": solver, "num_intervals": count, "fidelity": fidelity, "seed": seed}


def _finish(runner: RestorationRunner, cfg: Config, rows: list[Row], first: Scores, out: Path, left_out: int) -> None:
    """Write the files; what stands beside the restorations is that of the first setting."""
    qualities = {name: up for name, up in first.higher_is_better.items() if name != "NFE"}
    for name, up in qualities.items():
        front = pareto_front([row["NFE"] for row in rows], [row[name] for row in rows], higher_is_better=up)
        for index, row in enumerate(rows):
            row[f"pareto_{name}"] = index in front
    print("measuring how straight the paths are ...", file=sys.stderr, flush=True)
    straight = measured_straightness(runner)
    beside = {row: first.means().get(row, {}) for row in ("bicubic", "encoder")}
    head = {"checkpoint": cfg.load_from, "protocol": asdict(protocols.find_protocol(cfg.protocol))}
    head |= {"versions": checkpoints.versions(), "straightness": straight, "higher_is_better": qualities}
    write_csv(out / "sweep.csv", [list(rows[0]), *(list(row.values()) for row in rows)])
    draw_sweep(rows, qualities, beside["bicubic"], out / "sweep.png", f"{cfg.load_from}, straightness {straight:.3g}")
    write_json(out / "sweep.json", {**head, **beside, "rows": rows})  # the last: with it a sweep is done
    print(sweep_table(rows, list(qualities)))
    print("* nothing measured here is better for as few evaluations (NFE)")
    if left_out:
        print(f"{left_out} of {left_out + len(rows)} combinations are left out: {_ONCE}")
    print(f"straightness {straight:.4g}: 0 is a flow whose paths are straight\nlook at {out / 'sweep.png'}")


@torch.no_grad()
def measured_straightness(runner: RestorationRunner, count: int = 4) -> float:
    """Mean straightness over the first starts of the test set."""
    model, values = runner.bare_model, []
    model.eval()
    for inputs in held_out_inputs(runner.test_dataloader, model.data_preprocessor, model, count):
        start = start_of(model.pipeline(), inputs)
        values += straightness(start.velocity, start.x_0).tolist()
    return sum(values) / len(values)


def sweep_table(rows: list[Row], qualities: Sequence[str]) -> str:
    """Markdown; a star marks what nothing beats in both NFE and that metric."""
    cells = [["solver", "intervals", "fidelity", "seed", "NFE", *qualities, "s an image", "peak MiB"]]
    for row in rows:
        marked = [f"{_short(row[name])}{' *' if row[f'pareto_{name}'] else ''}" for name in qualities]
        start = [row["solver"], *(_short(row[key]) for key in ("num_intervals", "fidelity", "seed", "NFE"))]
        cells.append([*start, *marked, _short(row["seconds_per_image"]), f"{row['peak_mib']:.0f}"])
    return markdown_table(cells)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def draw_sweep(rows: list[Row], qualities: Mapping[str, bool], bicubic: Row, path: Path, title: str) -> None:
    """A plot a metric: NFE against quality, a color a solver and fidelity, the front as a line."""
    figure, (places,) = new_figure(1, len(qualities), 5.5 * len(qualities), 4.2)
    for axes, (name, up) in zip(places, qualities.items(), strict=True):
        for kind in dict.fromkeys((row["solver"], row["fidelity"]) for row in rows):
            points = [row for row in rows if (row["solver"], row["fidelity"]) == kind]
            label = kind[0] + (f", fidelity {kind[1]:g}" if len({row["fidelity"] for row in rows}) > 1 else "")
            axes.plot([row["NFE"] for row in points], [row[name] for row in points], "o-", lw=0.8, label=label)
            for row in points:
                place = (row["NFE"], row[name])
                axes.annotate(str(row["num_intervals"]), place, (4, 4), textcoords="offset points", fontsize=8)
        front = sorted((row["NFE"], row[name]) for row in rows if row[f"pareto_{name}"])
        style = {"ms": 15, "ls": "-", "color": "gray", "zorder": 0}
        axes.step(*zip(*front, strict=True), "*", where="post", label="nothing better for less", **style)
        if name in bicubic:
            axes.axhline(bicubic[name], color="gray", ls=":", label="bicubic")
        set_cost_axes(axes, name, up)
        axes.set_xlabel("evaluations of the network (NFE); at the points: intervals")
        axes.legend()
    save_figure(figure, path, title)
