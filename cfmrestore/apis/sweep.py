"""Quality against cost: one checkpoint under many solvers and numbers of intervals."""

import csv
import io
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from cfmrestore.apis import results
from cfmrestore.apis.evaluate import dataset, measure, protocol_of, settle
from cfmrestore.apis.train import build_runner, prepare
from cfmrestore.engine import checkpoints
from cfmrestore.engine.atomic import atomic, write_text
from cfmrestore.engine.peak_memory import PeakMemory
from cfmrestore.engine.runner import RestorationRunner
from cfmrestore.evaluation.functional.pareto import pareto_front
from cfmrestore.evaluation.functional.straightness import straightness
from cfmrestore.flows.sampling import Sampling
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import SOLVERS, find

Row = dict[str, Any]


def sweep(
    config: str | Path,
    checkpoint: str | Path,
    out: str | Path,
    *,
    solvers: Sequence[str] = ("Euler", "Heun"),
    intervals: Sequence[int] = (1, 2, 4, 8),
    seeds: Sequence[int] = (0,),
    benchmark: str | None = None,
    protocol: str | None = None,
    work_dir: str | None = None,
    launcher: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Measure a checkpoint under every combination; writes ``sweep.csv``, ``sweep.json`` and ``sweep.png``.

    Args:
        config: The config file.
        checkpoint: A ``.pth`` or ``.safetensors`` file, or a work directory for its newest checkpoint.
        out: Folder for the files.
        solvers: Their names.
        intervals: How many the grid has.
        seeds: Of the noise that a restoration starts at.
        benchmark: NAME=FOLDERS, in place of the config's test set.
        protocol: How images are compared, in place of the config's.
        work_dir: Where the log is written.
        launcher: "none", "pytorch", "slurm" or "mpi"; by default what the environment says.
        options: Dotted keys of the config and their values.
    """
    for solver in solvers:
        find({"type": solver}, SOLVERS)
    if not (solvers and intervals and seeds) or min(intervals) < 1:
        raise ValueError(f"need solvers, seeds, and intervals of 1 or more; got {solvers=}, {intervals=}, {seeds=}")
    cfg = settle(prepare(config, work_dir=work_dir, launcher=launcher, options=options), checkpoint, protocol)
    cfg.model.ceiling = False
    own = None
    if benchmark is not None:
        if not all(benchmark.partition("=")):
            raise ValueError(f"a benchmark is NAME=FOLDERS; got {benchmark!r}")
        own = dataset(*benchmark.split("=", 1))
    runner, rows = build_runner(cfg), []
    for solver, count, seed in itertools.product(solvers, intervals, seeds):
        row = _one(runner, cfg, own, {"solver": solver, "num_intervals": count, "seed": seed})
        rows.append(row)
        runner.logger.info(" ".join(f"{key} {_short(value)}" for key, value in row.items()))
    if runner.rank == 0:
        _finish(runner, cfg, rows, Path(out))
    return rows


def _one(runner: RestorationRunner, cfg: Config, own: dict[str, Any] | None, setting: Row) -> Row:
    model = runner.bare_model
    model.sampling = Sampling(
        solver={"type": setting["solver"]},
        grid=model.sampling.grid,
        num_intervals=setting["num_intervals"],
        seed=setting["seed"],
    )
    with PeakMemory(next(model.parameters()).device) as peak:
        result = measure(runner, cfg, own)
    quality = result["rows"].get("restored", {})
    return {**setting, **quality, "seconds_per_image": result.get("seconds_per_image"), "peak_mib": peak.bytes / 2**20}


def _finish(runner: RestorationRunner, cfg: Config, rows: list[Row], out: Path) -> None:
    directions = results.directions(runner.test_evaluator.metrics)
    qualities = {name: up for name, up in directions.items() if name in rows[0] and name != "NFE"}
    for name, up in qualities.items():
        front = pareto_front([row["NFE"] for row in rows], [row[name] for row in rows], higher_is_better=up)
        for index, row in enumerate(rows):
            row[f"pareto_{name}"] = index in front
    straight = measured_straightness(runner)
    summary = {
        "checkpoint": cfg.load_from,
        "protocol": protocol_of(cfg).to_json(),
        "versions": checkpoints.versions(),
        "straightness": straight,
        "rows": rows,
    }
    write_text(out / "sweep.json", json.dumps(results.finite(summary), indent=1, allow_nan=False) + "\n")
    write_text(out / "sweep.csv", _csv(rows))
    draw(rows, qualities, out / "sweep.png", f"{cfg.load_from}, straightness {straight:.3g}")
    print(table(rows, list(qualities)))
    print(f"straightness {straight:.4g}: 0 is a flow whose paths are straight\nlook at {out / 'sweep.png'}")


@torch.no_grad()
def measured_straightness(runner: RestorationRunner, images: int = 4) -> float:
    """The mean over the first images of the test set."""
    model, found = runner.bare_model, []
    model.eval()
    for batch in runner.test_dataloader:
        inputs = model.data_preprocessor(batch, False)["inputs"]
        source, velocity = model.start(inputs["low"], model.sampling.fork(ImageRng(inputs["seeds"])))
        found += straightness(velocity, source.x_0).tolist()
        if len(found) >= images:
            break
    return sum(found) / len(found)


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def table(rows: list[Row], qualities: Sequence[str]) -> str:
    """Markdown; a star marks what nothing beats in both NFE and that metric."""
    head = ["solver", "intervals", "seed", "NFE", *qualities, "s an image", "peak MiB"]
    cells = [head]
    for row in rows:
        marked = [f"{_short(row[name])}{' *' if row[f'pareto_{name}'] else ''}" for name in qualities]
        start = [row["solver"], str(row["num_intervals"]), str(row["seed"]), _short(row["NFE"])]
        cells.append([*start, *marked, _short(row["seconds_per_image"]), f"{row['peak_mib']:.0f}"])
    return results.markdown(cells)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def draw(rows: list[Row], qualities: Mapping[str, bool], path: Path, title: str) -> None:
    """A plot a metric: NFE against quality, a colour a solver, the front as a line."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FormatStrFormatter

    figure = Figure(figsize=(5.5 * len(qualities), 4.2), layout="constrained")
    for axes, (name, up) in zip(figure.subplots(1, len(qualities), squeeze=False)[0], qualities.items(), strict=True):
        for solver in dict.fromkeys(row["solver"] for row in rows):
            own = [row for row in rows if row["solver"] == solver]
            axes.plot([row["NFE"] for row in own], [row[name] for row in own], "o", label=solver)
        front = sorted((row["NFE"], row[name]) for row in rows if row[f"pareto_{name}"])
        axes.step(*zip(*front, strict=True), "*", where="post", ms=15, ls="-", color="gray", zorder=0, label="front")
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.set_xlabel("evaluations of the network (NFE)")
        axes.set_ylabel(f"{name} ({'higher' if up else 'lower'} is better)")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    with atomic(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=130)
