"""Training from a config."""

import ast
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import broadcast_object_list, get_world_size, is_main_process

from cfmrestore.engine import checkpoints, distributed
from cfmrestore.engine.hooks.preemption_hook import PreemptionHook
from cfmrestore.engine.newest import check, newest_whole, remove_unfinished
from cfmrestore.engine.rank_watch import watched
from cfmrestore.engine.setup import build_runner, check_folders, prepare_config, remove_evaluation, timeout_of
from cfmrestore.engine.shards import is_sharded
from cfmrestore.engine.trackers import add_trackers
from cfmrestore.restore import stages

_OF_A_START = (
    "work_dir",
    "resume",
    "load_from",
    "launcher",
    "train_cfg",
    "param_scheduler",
    "strategy",
    "env_cfg",
    "visualizer",
    "trackers",
)
"""Keys of a config that may differ between the starts of one run."""


def train(
    config: str | Path,
    *,
    work_dir: str | None = None,
    resume: str | None = None,
    amp: bool = False,
    auto_scale_lr: bool = False,
    launcher: str | None = None,
    seed: int | None = None,
    validate: bool = True,
    options: Mapping[str, Any] | None = None,
) -> torch.nn.Module:
    """Train what a config describes.

    Args:
        config: The config file.
        work_dir: Where everything is written; by default the config's, or ``work_dirs/NAME``.
        resume: "auto" for the newest checkpoint in ``work_dir``, or a path. What ``torchrun
            --max-restarts`` has started again goes on from the newest one.
        amp: Mixed precision, as far as the device has it.
        auto_scale_lr: Scale the learning rate with the batch, from ``auto_scale_lr.base_batch_size``.
        launcher: "none", "pytorch", "slurm" or "mpi"; by default what the environment says.
        seed: The run's seed.
        validate: Evaluate while training.
        options: Dotted keys of the config and their values; ``load_from`` and ``model.teacher.weights`` may be names of
            bundled models.
    """
    cfg = prepare_config(config, work_dir=work_dir, launcher=launcher, options=options, amp=amp)
    if is_main_process():
        remove_unfinished(cfg.work_dir)
    if seed is not None:
        cfg.randomness = {**cfg.get("randomness", {}), "seed": seed}
    if not validate:
        remove_evaluation(cfg, "val")
    check_folders(cfg, "train_dataloader", "val_dataloader")
    if auto_scale_lr:
        scale_lr(cfg)
    add_trackers(cfg)
    _resume(cfg, resume)
    if cfg.get("load_from"):
        cfg.load_from = str(stages.find_model(cfg.load_from))
    if cfg.model.get("teacher"):
        weights = stages.find_model(cfg.model.teacher.weights).with_suffix(".safetensors")
        cfg.model.teacher.weights = str(weights)
    with watched(timeout_of(cfg)) as hooks:
        runner = build_runner(cfg)
        for hook in hooks:
            runner.register_hook(hook)
        preemptions = [hook for hook in runner.hooks if isinstance(hook, PreemptionHook)]
        try:
            trained: torch.nn.Module = runner.train()
        finally:
            for hook in preemptions:
                hook.release()
    if any(hook.received == signal.SIGINT for hook in preemptions):
        raise KeyboardInterrupt  # what a script does next is not meant for half a training
    return trained


def tell_changes(cfg: Config, folder: Path) -> None:
    """Warn of settings in which a run that goes on differs from what it was; more iterations are none."""
    file = folder / Path(cfg.filename).name
    if not file.is_file():
        return
    try:
        before, now = _leaves(_read_dump(file)), _leaves(cfg.to_dict())
    except (ValueError, SyntaxError) as error:
        print(f"warning: {file} is not as a run writes it, and not compared: {error}", file=sys.stderr)
        return
    changed = [
        f"{key} ({before.get(key, 'not set')!r} before)"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and key.partition(".")[0] not in _OF_A_START
    ]
    if changed:
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        print(f"warning: the run goes on with other settings: {', '.join(changed[:4])}{more}", file=sys.stderr)


def _read_dump(file: Path) -> dict[str, Any]:
    """The config that a run wrote down, read as data: beside a stranger's checkpoint nothing is executed."""

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
            return {word.arg: value(word.value) for word in node.keywords}
        if isinstance(node, ast.List | ast.Tuple):
            return [value(one) for one in node.elts]
        if isinstance(node, ast.Dict):
            return {ast.literal_eval(key): value(one) for key, one in zip(node.keys, node.values, strict=True) if key}
        return ast.literal_eval(node)

    body = ast.parse(file.read_text(encoding="utf-8")).body
    return {
        target.id: value(line.value)
        for line in body
        if isinstance(line, ast.Assign)
        for target in line.targets
        if isinstance(target, ast.Name)
    }


def _leaves(value: Any, key: str = "") -> dict[str, Any]:
    """The values of a nested config by dotted keys; lists and tuples are alike."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    if not items:
        return {key: value if not isinstance(value, Mapping | list | tuple) else None}
    return {k: v for name, one in items for k, v in _leaves(one, f"{key}.{name}" if key else str(name)).items()}


def scale_lr(cfg: Config) -> None:
    """The linear scaling rule (Goyal et al., 2017): the rate grows as the batch of one optimizer step does."""
    base = cfg.get("auto_scale_lr", {}).get("base_batch_size")
    if not base:
        raise ValueError("--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config")
    micro_batches = cfg.optim_wrapper.get("accumulative_counts", 1)
    batch = cfg.train_dataloader.batch_size * get_world_size() * micro_batches
    cfg.optim_wrapper.optimizer.lr *= batch / base
    cfg.auto_scale_lr = None


def _newest(work_dir: str) -> Path | None:
    """The newest whole checkpoint, which one rank looks for; what is damaged is said."""
    found: list[Any] = [None, [], None]
    if is_main_process():
        try:
            found[:2] = newest_whole(work_dir)
        except ValueError as error:
            found[2] = str(error)
    broadcast_object_list(found)
    path, faults, failure = found
    if failure:
        raise ValueError(failure)
    weights = path.with_suffix(".safetensors") if path is not None and path.is_file() else None  # shards are theirs
    if is_main_process() and weights is not None and not weights.is_file():
        checkpoints.save(checkpoints.load(path), path)
        faults = [*faults, f"{str(weights)!r} was missing and is written again"]
    if is_main_process() and faults:
        print(f"warning: {'; '.join(faults)}: the run goes on from {path}", file=sys.stderr)
    return path


def _resume(cfg: Config, resume: str | None) -> None:
    """Where a run goes on: where it was told to, and started again by torchrun at its newest checkpoint."""
    newest, (done, _) = checkpoints.find_latest(cfg.work_dir), distributed.restarts()
    if resume is None and not done:
        if newest is not None:
            raise ValueError(
                f"{newest} is of a run before: --resume goes on with it, another --work-dir keeps both apart"
            )
        return
    path = _newest(cfg.work_dir) if done or resume == "auto" else Path(str(resume))
    if path is None:
        if is_main_process():
            print(f"--resume: there is no checkpoint in {cfg.work_dir!r} yet, so the run starts at iteration 0")
        return
    if not path.is_file() and not is_sharded(path):
        raise ValueError(f"cannot resume: there is no checkpoint {str(path)!r}")
    if resume != "auto" and path.suffix != ".safetensors":
        check(path)
    if is_main_process():
        tell_changes(cfg, path.parent)
    cfg.load_from, cfg.resume = str(path), True
