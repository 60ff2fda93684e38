"""From a config to a runner."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.engine import distributed
from cfmrestore.engine.config.load import load_config
from cfmrestore.engine.runner import RestorationRunner


def prepare_config(
    config: str | Path,
    *,
    work_dir: str | None,
    launcher: str | None,
    options: Mapping[str, Any] | None,
    amp: bool = False,
) -> Config:
    """Read a config, choose its work directory, and join the other processes."""
    cfg = load_config(config, options, amp=amp)
    cfg.work_dir = work_dir or cfg.get("work_dir") or f"work_dirs/{Path(cfg.filename).stem}"
    cfg.launcher = distributed.detect(launcher)
    distributed.join(cfg.launcher)
    return cfg


def remove_evaluation(cfg: Config, *stages: str) -> None:
    """Without an evaluation: "val", "test" or both."""
    for stage in stages:
        cfg[f"{stage}_cfg"] = cfg[f"{stage}_dataloader"] = cfg[f"{stage}_evaluator"] = None


def build_runner(cfg: Config) -> RestorationRunner:
    """The runner of a checked config; a key or value that only a constructor can refuse is refused here."""
    try:
        return RestorationRunner.from_cfg(cfg)
    except TypeError as error:
        raise ValueError(f"the config has a key or a value that does not fit: {error}") from error
