"""What it costs that processes train one model together."""

import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from mmengine.hooks import Hook

from cfmrestore.analysis.benchmarks.cases import conditions, quartiles, report
from cfmrestore.engine.setup import build_runner, prepare_config, remove_evaluation
from cfmrestore.process import cores
from cfmrestore.reports.markdown import markdown_table

_ALONE = "independent processes"


@dataclass(frozen=True)
class _Job:
    """A training; without a strategy each process trains alone."""

    config: str
    strategy: str | None
    keys: Mapping[str, Any]
    warm_up: int


class _Clock(Hook):
    """Seconds of all iterations behind the first ones, which all processes begin to count at once."""

    priority = "LOWEST"

    def __init__(self, warm_up: int, begin: Barrier) -> None:
        self.warm_up, self.begin, self.seconds = warm_up, begin, 0.0

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del data_batch, outputs
        if batch_idx + 1 == self.warm_up:
            self.begin.wait()
            self.began = time.perf_counter()
        elif batch_idx + 1 == runner.max_iters:
            self.seconds = time.perf_counter() - self.began


def benchmark_ranks(
    config: str | Path,
    *,
    ranks: int = 2,
    strategies: Sequence[str] = ("ddp",),
    iterations: int = 60,
    warm_up: int = 10,
    rounds: int = 3,
    out: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Iterations a second of processes with a core each, that train together and that do not, in turn.

    Args:
        config: The config file.
        ranks: How many processes; on Linux each is bound to a core of its own.
        strategies: How they train together.
        iterations: Iterations that count, in each round.
        warm_up: Iterations before them.
        rounds: Rounds, of which the median counts.
        out: A file for the figures.
        options: Dotted keys of the config and their values.
    """
    if not 2 <= ranks <= cores():
        raise ValueError(
            f"this measures 2 processes or more with a core each, and there are {cores()} cores; got {ranks}"
        )
    no_files = {"default_hooks.checkpoint.save_last": False, "default_hooks.checkpoint.interval": -1}
    keys = {**(options or {}), **no_files, "train_cfg.max_iters": iterations + warm_up}
    rates: dict[str, list[float]] = {_ALONE: [], **{word: [] for word in strategies}}
    result: dict[str, Any] = {**conditions(0), "threads": 1, "config": str(config), "ranks": ranks}
    for _ in range(rounds):
        for way, found in rates.items():
            job = _Job(str(config), None if way == _ALONE else way, keys, warm_up)
            seconds = _run(job, ranks)
            found.append(sum(iterations / one for one in seconds))
    result["iterations_a_second"] = {way: quartiles(found) for way, found in rates.items()}
    alone = rates[_ALONE]
    result["ratios"] = {
        word: median(mine / other for mine, other in zip(rates[word], alone, strict=True)) for word in strategies
    }
    rows = [
        [way, f"{middle:.2f}", f"{low:.2f} to {high:.2f}", "" if way == _ALONE else f"{result['ratios'][way]:.3f}"]
        for way, (low, middle, high) in result["iterations_a_second"].items()
    ]
    lines = [markdown_table([["processes", "iterations/s", "quartiles", "of independent"], *rows])]
    report(f"{ranks} processes with a core each, summed", result, lines, out)
    return result


def _run(job: "_Job", ranks: int) -> list[float]:
    """The seconds of each process."""
    context = get_context("spawn")
    begin, seconds = context.Barrier(ranks), context.Queue()
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        processes = [
            context.Process(target=_work, args=(job, rank, ranks, port, folder, begin, seconds))
            for rank in range(ranks)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    if any(process.exitcode for process in processes):
        raise ValueError("a training of the measurement failed; what it said stands above")
    return [seconds.get() for _ in processes]


def _work(job: "_Job", rank: int, ranks: int, port: int, folder: str, begin: Barrier, seconds: "Queue[float]") -> None:
    """What happens in a process; for one that fails the others do not wait."""
    try:
        seconds.put(_train(job, rank, ranks, port, folder, begin))
    except BaseException:
        begin.abort()
        raise


def _train(job: "_Job", rank: int, ranks: int, port: int, folder: str, begin: Barrier) -> float:
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[rank]})
    keys, launcher = dict(job.keys), "none"
    if job.strategy is not None:
        launcher, keys["strategy"] = "pytorch", job.strategy
        own = {"RANK": rank, "WORLD_SIZE": ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        local = {"LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": ranks, "OMP_NUM_THREADS": 1}  # or accelerate takes more
        os.environ.update({name: str(value) for name, value in (own | local).items()})
    place = folder if job.strategy else f"{folder}/{rank}"
    cfg = prepare_config(job.config, work_dir=place, launcher=launcher, options=keys)
    remove_evaluation(cfg, "val", "test")
    cfg.param_scheduler, cfg.log_level = None, "WARNING"
    runner, clock = build_runner(cfg), _Clock(job.warm_up, begin)
    runner.register_hook(clock)
    runner.train()
    return clock.seconds
