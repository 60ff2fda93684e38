"""Training from a config."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process

from cfmrestore.engine import checkpoints
from cfmrestore.engine.setup import build_runner, prepare_config, remove_evaluation
from cfmrestore.restore import stages


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
        resume: "auto" for the newest checkpoint in ``work_dir``, or a path.
        amp: Mixed precision, as far as the device has it.
        auto_scale_lr: Scale the learning rate with the batch, from ``auto_scale_lr.base_batch_size``.
        launcher: "none", "pytorch", "slurm" or "mpi"; by default what the environment says.
        seed: The run's seed.
        validate: Evaluate while training.
        options: Dotted keys of the config and their values; ``load_from`` and ``model.teacher.weights`` may be names of
            bundled models.
    """
    cfg = prepare_config(config, work_dir=work_dir, launcher=launcher, options=options, amp=amp)
    if seed is not None:
        cfg.randomness = {**cfg.get("randomness", {}), "seed": seed}
    if not validate:
        remove_evaluation(cfg, "val")
    if auto_scale_lr:
        scale_lr(cfg)
    if resume is not None:
        _resume(cfg, resume)
    elif (there := checkpoints.find_latest(cfg.work_dir)) is not None and is_main_process():
        told = f"warning: {there} is of a run before, and a new one begins beside it"
        print(f"{told}: --resume goes on with it, another --work-dir keeps both apart", file=sys.stderr)
    if cfg.get("load_from"):
        cfg.load_from = str(stages.find_model(cfg.load_from))
    if cfg.model.get("teacher"):
        weights = stages.find_model(cfg.model.teacher.weights).with_suffix(".safetensors")
        cfg.model.teacher.weights = str(weights)
    return build_runner(cfg).train()


def scale_lr(cfg: Config) -> None:
    """The linear scaling rule (Goyal et al., 2017): the rate grows as the batch of one optimizer step does."""
    base = cfg.get("auto_scale_lr", {}).get("base_batch_size")
    if not base:
        raise ValueError("--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config")
    micro_batches = cfg.optim_wrapper.get("accumulative_counts", 1)
    batch = cfg.train_dataloader.batch_size * get_world_size() * micro_batches
    cfg.optim_wrapper.optimizer.lr *= batch / base
    cfg.auto_scale_lr = None


def _resume(cfg: Config, resume: str) -> None:
    path = checkpoints.find_latest(cfg.work_dir) if resume == "auto" else Path(resume)
    if path is None:
        print(f"--resume: there is no checkpoint in {cfg.work_dir!r} yet, so the run starts at iteration 0")
        return
    if not path.is_file():
        raise ValueError(f"cannot resume: there is no checkpoint {str(path)!r}")
    cfg.load_from, cfg.resume = str(path), True
