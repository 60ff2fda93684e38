"""What training costs beside the bare steps of its network."""

import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from cfmrestore.analysis.benchmarks.cases import compared, comparison_table, conditions, in_cases, report
from cfmrestore.engine.setup import build_runner, prepare_config, remove_evaluation


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
            self.point = runner.bare_model.draw(**runner.bare_model.data_preprocessor(data_batch)["inputs"])
        began = time.perf_counter()
        self._step(runner)
        _synchronize()
        if batch_idx >= self.warm_up:
            self.full.append(seconds)
            self.bare.append(time.perf_counter() - began)
        self.mark = time.perf_counter()

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
        work_dir: Where the log goes.
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
    lines = [comparison_table({"an iteration": result["cases"]})]
    lines += [f"{case}: {100 * timed['overhead']:.1f} % overhead" for case, timed in result["cases"].items()]
    report("Bare steps of the network, and iterations of the runner, milliseconds", result, lines, out)
    return result


def _time_iterations(cfg: Config, warm_up: int) -> dict[str, Any]:
    runner, hook = build_runner(cfg), _BareSteps(warm_up)
    runner.register_hook(hook)
    runner.train()
    timed = compared({"bare step": hook.bare, "runner": hook.full})
    return {**timed, "overhead": timed["ratio_of_medians"] - 1}
