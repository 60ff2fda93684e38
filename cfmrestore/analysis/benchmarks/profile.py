"""The dearest things of a training and of a sampling, in words and in torch's operators."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity

from cfmrestore.analysis.benchmarks.cases import clock_of, conditions, report
from cfmrestore.analysis.benchmarks.stopwatch import Stopwatch
from cfmrestore.engine.hooks import EMAHook
from cfmrestore.engine.setup import build_runner, prepare_config, remove_evaluation
from cfmrestore.reports.markdown import markdown_table

_DEAREST = 5
_WARM_UP = 2


def benchmark_profile(
    config: str | Path,
    *,
    iterations: int = 10,
    work_dir: str | None = None,
    launcher: str | None = None,
    options: Mapping[str, Any] | None = None,
    out: str | None = None,
) -> dict[str, Any]:
    """Divide the time of training steps and of a sampling among their parts.

    The parts of training are data, degradation, encoder, network forward, backward, optimizer, moving average, logging
    and the rest; of sampling encoder, network and the rest. A part is without the parts within it. On a CPU the time is
    that of this process, which what runs beside it does not lengthen.

    Args:
        config: The config file.
        iterations: Training steps that are measured; as many samplings are a fifth.
        work_dir: Where the log goes.
        launcher: None but "none".
        options: Dotted keys of the config and their values.
    """
    del launcher  # one process is measured
    fixed = {"train_cfg.max_iters": 3 * (iterations + _WARM_UP), "default_hooks.checkpoint.save_last": False}
    cfg = prepare_config(
        config, work_dir=work_dir or "work_dirs/benchmark", launcher="none", options={**fixed, **(options or {})}
    )
    remove_evaluation(cfg, "val", "test")
    cfg.param_scheduler = None
    runner = build_runner(cfg)
    device = next(runner.bare_model.parameters()).device.type
    watch = Stopwatch(clock_of(device))
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    _watch_training(watch, runner)
    step, sampling = _training(watch, runner), _sampling(watch, runner)
    result = {
        **conditions(0),
        "config": str(config),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "training": _profiled(watch, step, iterations),
        "sampling": _profiled(watch, sampling, max(1, iterations // 5)),
    }
    report(f"The dearest things of {config}", result, profile_lines(result), out)
    return result


def _watch_training(watch: Stopwatch, runner: Any) -> None:
    model, wrapper = runner.bare_model, runner.optim_wrapper
    watch.watch(model.data_preprocessor, "forward", "degradation")
    for method in ("moments", "sample", "decode"):
        watch.watch(model.encoder, method, "encoder")
    for network in (model.network, model.coupling.network):
        if network is not None:
            watch.watch(network, "forward", "network forward")
    watch.watch(wrapper, "backward", "backward")
    for method in ("step", "zero_grad"):
        watch.watch(wrapper, method, "optimizer")
    for hook in runner.hooks:
        for method in ("before_train_iter", "after_train_iter"):
            watch.watch(hook, method, "moving average" if isinstance(hook, EMAHook) else "logging and other hooks")


def _training(watch: Stopwatch, runner: Any) -> Callable[[], None]:
    """One step, as the loop takes it."""
    loop = runner.train_loop
    runner.optim_wrapper.initialize_count_status(runner.model, 0, loop.max_iters)
    runner.call_hook("before_train")
    runner.call_hook("before_train_epoch")
    batches = watch.items(iter(loop.dataloader), "data")

    def step() -> None:
        runner.model.train()
        with watch.part("path, loss and loop"):
            loop.run_iter(batches)

    return step


def _sampling(watch: Stopwatch, runner: Any) -> Callable[[], None]:
    """The first batch of training, restored or generated as the config says."""
    model = runner.bare_model
    inputs = model.data_preprocessor(next(iter(runner.train_loop.dataloader)))["inputs"]

    def sample() -> None:
        model.eval()
        with watch.part("solver and start"):
            model(inputs, mode="tensor")

    return sample


def _profiled(watch: Stopwatch, function: Callable[[], None], count: int) -> dict[str, Any]:
    """Milliseconds of one call by parts, without the profiler, and the dearest operators under it."""
    for _ in range(_WARM_UP):
        function()
    watch.reset()
    for _ in range(count):
        function()
    parts = watch.milliseconds(count)
    on_gpu = torch.cuda.is_available()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with torch.profiler.profile(activities=activities) as profiler:
        function()
    key = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    averages = sorted(profiler.key_averages(), key=lambda one: -getattr(one, key))
    total = sum(getattr(one, key) for one in averages)
    return {
        "milliseconds": sum(parts.values()),
        "parts": parts,
        "operators": [
            {"operator": one.key, "share": getattr(one, key) / total, "calls": one.count} for one in averages[:_DEAREST]
        ],
    }


def profile_lines(result: dict[str, Any]) -> Iterator[str]:
    """The five dearest parts and operators of both."""
    for kind, unit in (("training", "step"), ("sampling", "batch")):
        found = result[kind]
        rows = [[f"{kind}: the dearest parts", f"ms a {unit}", "share"]]
        for name, ms in [*found["parts"].items()][:_DEAREST]:
            rows.append([name, f"{ms:.1f}", f"{100 * ms / found['milliseconds']:.1f} %"])
        yield markdown_table(rows) + "\n"
        rows = [[f"{kind}: the dearest operators", "share", f"calls a {unit}"]]
        rows += [
            [f"`{one['operator']}`", f"{100 * one['share']:.1f} %", str(one["calls"])] for one in found["operators"]
        ]
        yield markdown_table(rows) + "\n"
