"""What training costs beside the bare steps of its network."""

import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from cfmrestore.analysis.benchmarks.cases import conditions, in_cases, print_conditions
from cfmrestore.analysis.benchmarks.timing import quartiles
from cfmrestore.engine.setup import build_runner, prepare_config, remove_evaluation
from cfmrestore.imageio.atomic import write_text


class _BareSteps(Hook):
    """Behind every iteration of the runner, one bare step on a batch that is ready: the two are timed in turn."""

    priority = "LOWEST"

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.mark = 0.0
        self.full: list[float] = []
        self.bare: list[float] = []

    def before_train(self, runner: Any) -> None:
        del runner
        self.mark = time.perf_counter()

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        del outputs
        _synchronize()
        seconds = time.perf_counter() - self.mark
        if batch_idx == 0:
            self._prepare(runner, data_batch)
        began = time.perf_counter()
        self._step(runner)
        _synchronize()
        if batch_idx >= self.warm_up:
            self.full.append(seconds)
            self.bare.append(time.perf_counter() - began)
        self.mark = time.perf_counter()

    def _prepare(self, runner: Any, data_batch: Any) -> None:
        inputs = runner.bare_model.data_preprocessor(data_batch)["inputs"]
        self.point = runner.bare_model.draw(**inputs)

    def _step(self, runner: Any) -> None:
        with runner.optim_wrapper.optim_context(runner.model):
            v = runner.bare_model.network(self.point.x_t, self.point.t, **self.point.conditioning)
            loss = (v.float() - self.point.dx_t).square().mean()
        loss.backward()
        runner.optim_wrapper.optimizer.step()
        runner.optim_wrapper.optimizer.zero_grad()


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def benchmark_train(
    config: str | Path,
    *,
    iterations: int = 60,
    warm_up: int = 10,
    busy: int = 1,
    work_dir: str | None = None,
    out: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Time the runner's iterations (data, degradation, coupling, network, hooks) against bare steps, in turn.

    Args:
        config: The config file.
        iterations: Iterations that count, in each case.
        warm_up: Iterations before them.
        busy: Processes that keep a core each busy, in the second case.
        work_dir: Where the log goes.
        out: JSON file for the figures.
        options: Dotted keys of the config and their values.
    """
    fixed = {"train_cfg.max_iters": iterations + warm_up, "default_hooks.checkpoint.save_last": False}
    options = {**fixed, **(options or {})}
    cfg = prepare_config(config, work_dir=work_dir or "work_dirs/benchmark", launcher="none", options=options)
    remove_evaluation(cfg, "val", "test")
    cfg.param_scheduler = None
    result: dict[str, Any] = {
        **conditions(busy),
        "config": str(config),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "cpu",
        "iterations": iterations,
        "cases": in_cases(lambda: _time_iterations(cfg, warm_up), busy),
    }
    _report(result)
    if out is not None:
        write_text(out, json.dumps(result, indent=2) + "\n")
    return result


def _time_iterations(cfg: Config, warm_up: int) -> dict[str, Any]:
    runner, hook = build_runner(cfg), _BareSteps(warm_up)
    runner.register_hook(hook)
    runner.train()
    return {
        "runner_ms": [1e3 * q for q in quartiles(hook.full)],
        "bare_ms": [1e3 * q for q in quartiles(hook.bare)],
        "overhead": median(hook.full) / median(hook.bare) - 1,
    }


def _report(result: dict[str, Any]) -> None:
    print("\nIterations of the runner, and bare steps of the network, milliseconds")
    print_conditions(result)
    print("| case | runner | quartiles | bare step | quartiles | overhead |\n|---|---|---|---|---|---|")
    for case, timed in result["cases"].items():
        cells = [f"{m:.1f} | {low:.1f} to {high:.1f}" for low, m, high in (timed["runner_ms"], timed["bare_ms"])]
        print(f"| {case} | {' | '.join(cells)} | {100 * timed['overhead']:.1f} % |")
