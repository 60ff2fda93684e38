"""From a trained flow to a flow map that samples in few steps: trained, and held beside its teacher."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from torch import Tensor

from cfmrestore import model_zoo
from cfmrestore.analysis.held_out import held_out_inputs, start_of
from cfmrestore.apis.train import train
from cfmrestore.configs_folder import configs_folder
from cfmrestore.engine import checkpoints, distributed
from cfmrestore.engine.config.embedded import embedded_config
from cfmrestore.engine.config.few_steps import few_step_config
from cfmrestore.engine.config.load import load_config
from cfmrestore.engine.jobs import TimeLeft
from cfmrestore.engine.runner import RestorationRunner
from cfmrestore.engine.setup import build_runner, prepare_test_config
from cfmrestore.flows import CouplingFlow, Sampling
from cfmrestore.flows.sampling import sample
from cfmrestore.imageio.atomic import write_text
from cfmrestore.registry import MODELS
from cfmrestore.reports.markdown import format_number, markdown_table
from cfmrestore.restore import stages
from cfmrestore.restore.starts import as_trained
from cfmrestore.solvers import Euler, Heun
from cfmrestore.solvers.grids import UniformGrid

NAME = "few_steps.py"
"""The config in the work directory."""

_FINE = 64  # intervals of the teacher's fine solution, by Heun's method
_HELP = """It worked if the student is clearly closer to the fine end than the teacher's Euler at {k}, and its metrics
are near those of its own sampling. If not: more --iterations, or another --loss. Where the teacher's Euler at {k}
is as good already, the flow is straight enough and needs no student.
{out} is a model as any other, which samples by {k} evaluations. The same training again: cfmrestore train {config}"""


@dataclass(frozen=True)
class Row:
    """A way to sample, what it costs, how far from the teacher's fine end it ends, and the config's own metrics."""

    name: str
    nfe: int
    distance: float | None
    metrics: Mapping[str, float]


def few_steps(
    checkpoint: str | Path,
    evaluations: int,
    out: str | Path,
    *,
    loss: str = "shortcut",
    iterations: int = 800,
    data: str | None = None,
    config: str | Path | None = None,
    starts: int = 64,
    launcher: str | None = None,
) -> list[Row]:
    """Train a few-step sibling of a flow; returns what the printed table says.

    Args:
        checkpoint: A ``.pth`` or ``.safetensors`` file, a work directory for its newest checkpoint, or a bundled model.
        evaluations: Of the network an image, by which the sibling samples.
        out: Its work directory, with its config as ``few_steps.py``.
        loss: "shortcut", "rcgm", "mean_flow" or "trajectory".
        iterations: Optimizer steps.
        data: Folder of the training images, in place of the config's.
        config: The config of the flow, in place of the one that the checkpoint holds.
        starts: Held-out starts on which distances are measured.
        launcher: "none", "pytorch", "slurm" or "mpi"; by default what the environment says.
    """
    if starts < 1:
        raise ValueError(f"starts is 1 or more; got {starts}")
    teacher = stages.find_model(checkpoint).absolute()
    weights = teacher.with_suffix(".safetensors")
    if not weights.is_file():
        raise ValueError(f"beside {str(teacher)!r} there is no {weights.name}, from which the sibling learns")
    original = _config_of(str(checkpoint), teacher, config)
    changed = few_step_config(original, weights, evaluations=evaluations, loss=loss, iterations=iterations, data=data)
    changed.work_dir = str(out)
    distributed.join(distributed.detect(launcher))
    file = Path(out) / NAME
    if (newest := checkpoints.find_latest(out)) is not None:
        raise ValueError(f"{newest} is of a run before: another --out keeps both apart")
    if is_main_process():
        write_text(file, changed.pretty_text)
    barrier()
    train(file, work_dir=str(out), launcher=launcher)
    rows = compare(original, changed, teacher, stages.find_model(out), evaluations, starts)
    if is_main_process():
        print(f"\n{table(rows)}\n{_HELP.format(k=evaluations, out=out, config=file)}")
    return rows


def _config_of(name: str, checkpoint: Path, config: str | Path | None) -> Config:
    """The config of a flow: the one that is given, or that its checkpoint holds, or that its card names."""
    if config is not None:
        return load_config(config)
    held = embedded_config(checkpoint)
    command = model_zoo.cards().get(name, {}).get("command", "")
    named = re.search(r"configs/(\S+\.py)", command)
    if held is None and named:
        held = load_config(configs_folder() / named[1])
    if held is None or held.get("train_dataloader") is None:
        raise ValueError(f"{name!r} does not hold the config of its training: give it, --config FILE")
    return held


def compare(
    original: Config, changed: Config, teacher: Path, student: Path, evaluations: int, starts: int
) -> list[Row]:
    """The teacher as it samples, by Euler's method at the student's cost, and the student."""
    device = distributed.device_of_process()
    flows = [stages.load_flow(file).eval().requires_grad_(False).to(device) for file in (teacher, student)]
    own, learned = flows[0].sampling, flows[1].sampling
    few = replace(own, solver=Euler(), grid=UniformGrid(), num_intervals=evaluations)
    ways = [("teacher", 0, own), (f"teacher, Euler at {evaluations}", 0, few), ("student", 1, learned)]
    squares, nfe, count = [0.0] * len(ways), [0] * len(ways), 0
    for inputs in _held_out(changed, flows[1], starts):
        fine = _end(flows[0], replace(own, solver=Heun(), grid=UniformGrid(), num_intervals=_FINE), inputs)[0]
        count += fine.numel()
        for index, (_, flow, sampling) in enumerate(ways):
            end, nfe[index] = _end(flows[flow], sampling, inputs)
            squares[index] += float((end - fine).double().square().sum())
    if is_main_process():
        print(f"measuring the metrics of the config by {len(ways)} ways to sample", file=sys.stderr, flush=True)
    metrics = _metrics(original, changed, teacher, student, [(flow, sampling) for _, flow, sampling in ways])
    return [
        Row(name, nfe[index], (squares[index] / count) ** 0.5 if count else None, metrics[index])
        for index, (name, _, _) in enumerate(ways)
    ]


@torch.no_grad()
def _end(flow: CouplingFlow, sampling: Sampling, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
    """Where a flow leads from the starts of a batch, as it was trained: the latents, and the evaluations."""
    sampling = as_trained(sampling)
    solution = sample(start_of(flow.pipeline(sampling), inputs), flow.path, sampling)
    return solution.x, solution.nfe


@torch.no_grad()
def _held_out(cfg: Config, flow: CouplingFlow, starts: int) -> Iterator[dict[str, Tensor]]:
    """Batches of the config's test set; nothing where it has none."""
    loader = cfg.get("test_dataloader") or cfg.get("val_dataloader")
    if loader is None:
        return
    preprocessor = MODELS.build(cfg.model.get("data_preprocessor") or {"type": "RestorationPreprocessor"})
    preprocessor.to(next(flow.parameters()).device)
    batches = RestorationRunner.build_dataloader(loader.to_dict(), seed=0)
    count = min(starts, len(batches.dataset))
    clock, done = TimeLeft([float(count)]) if is_main_process() else None, 0
    if clock is not None:
        clock.say(f"measuring on {count} starts: {_FINE} intervals of the teacher, then each way to sample (--starts)")
        clock.begin("starts")
    for inputs in held_out_inputs(batches, preprocessor, flow, count):
        yield inputs
        done += len(inputs["seeds"])
        if clock is not None:  # what was yielded is measured now
            clock.update(done / count)
    if clock is not None:
        clock.close()


def _metrics(
    original: Config, changed: Config, teacher: Path, student: Path, ways: list[tuple[int, Sampling]]
) -> list[dict[str, float]]:
    """What the config's own test says of each way to sample."""
    if changed.get("test_dataloader") is None or not changed.get("test_evaluator"):
        return [{} for _ in ways]
    runners: dict[int, Any] = {}
    found = []
    for flow, sampling in ways:
        if flow not in runners:
            cfg = Config({**(changed if flow else original).to_dict(), "work_dir": changed.work_dir})
            for key in ("dataloader", "evaluator", "cfg"):
                cfg[f"test_{key}"] = changed[f"test_{key}"]
            cfg.launcher, cfg.experiment_name = changed.get("launcher", "none"), f"few_steps_{flow}"
            runners[flow] = build_runner(prepare_test_config(cfg, student if flow else teacher, None))
        scores = runners[flow].test_on(None, options={"sampling": sampling, "ceiling": False})
        found.append({key: value for key, value in scores.means()["restored"].items() if key != "NFE"})
    return found


def table(rows: list[Row]) -> str:
    """Markdown of the rows."""
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    cells = [["", "evaluations", "distance from the teacher's fine end", *names]]
    for row in rows:
        values = [format_number(row.metrics.get(name)) for name in names]
        cells.append([row.name, str(row.nfe), "-" if row.distance is None else f"{row.distance:.4g}", *values])
    return markdown_table(cells)
