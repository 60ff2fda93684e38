"""From a config to a runner; configs that only test, by one protocol, on any benchmark."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.datasets.frozen import folders_of
from cfmrestore.engine import distributed
from cfmrestore.engine.config.load import load_config
from cfmrestore.engine.runner import RestorationRunner, relative_to_here
from cfmrestore.engine.trackers import leave_out_trackers
from cfmrestore.evaluation import protocols
from cfmrestore.evaluation.metric_names import metric_config
from cfmrestore.evaluation.metrics import ImageMetric
from cfmrestore.imageio import check_folder
from cfmrestore.registry import DATASETS, METRICS, MODELS, find_class


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
    if not cfg.get("model"):
        raise ValueError(
            f"the config {str(config)!r} has no 'model': begin it with a config that has one, such as "
            '_base_ = "cfmrestore::cfm_realsr_tiny.py"'
        )
    cfg.work_dir = work_dir or cfg.get("work_dir") or f"work_dirs/{Path(cfg.filename).stem}"
    cfg.launcher = distributed.detect(launcher)
    distributed.join(cfg.launcher, timeout_of(cfg))
    return cfg


def check_folders(cfg: Config, *loaders: str) -> None:
    """Refuse folders of data that are not there, before anything is built or written."""
    for name in loaders:
        _check_folders((cfg.get(name) or {}).get("dataset"))


def _check_folders(dataset: Any) -> None:
    """Those of the toolkit's own datasets, whose keys end so; what those of others mean is theirs to know."""
    if isinstance(dataset, Mapping) and find_class(dict(dataset), DATASETS).__module__.startswith("cfmrestore."):
        for key, value in dataset.items():
            if key.endswith("_root") and value == "":
                raise ValueError(f"{key} is empty: name a folder")
            if key.endswith("_root") and isinstance(value, str):
                check_folder(value, "data" if Path(value).is_absolute() else f"data ({relative_to_here()})")
        for one in dataset.get("datasets", ()):
            _check_folders(one)


def timeout_of(cfg: Config) -> float:
    """Seconds that a rank waits for the others."""
    timeout: float = cfg.get("env_cfg", {}).get("dist_cfg", {}).get("timeout", distributed.TIMEOUT)
    return timeout


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


def benchmark_dataset(name: str, where: str, scale: int) -> dict[str, Any]:
    """The dataset of a benchmark: pairs, targets that are cropped to multiples of the scale, or a frozen set."""
    folders = folders_of(name, where)
    if len(folders) == 2:
        return {"type": "PairedFolder", "high_root": str(folders[0]), "low_root": str(folders[1])}
    return {
        "type": "ImageFolder",
        "data_root": str(folders[0]),
        "pipeline": [{"type": "CenterCrop", "multiple": scale}],
    }


def _has_protocol(metric: dict[str, Any]) -> bool:
    return issubclass(find_class(metric, METRICS), ImageMetric)


def prepare_test_config(
    cfg: Config,
    checkpoint: Path,
    protocol: str | None,
    metrics: Sequence[str] | None = None,
    weights: str | None = None,
) -> Config:
    """A config that only tests, all its metrics by one protocol, with what a result file needs.

    Metrics that are named stand in place of the config's; the folder of weights is that of the networks they need.
    """
    if cfg.get("test_dataloader") is None:
        raise ValueError("the config has no test_dataloader")
    cfg.load_from, cfg.resume = str(checkpoint), False
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = cfg.param_scheduler = None
    remove_evaluation(cfg, "val")
    leave_out_trackers(cfg)
    cfg.auto_scale_lr = None
    own = cfg.test_evaluator if metrics is None else cfg.get("test_evaluator") or []
    found = list(own) if isinstance(own, list | tuple) else [own]
    names = {metric.get("protocol", cfg.get("protocol", "classic_y")) for metric in found if _has_protocol(metric)}
    if protocol is None and len(names) > 1:
        raise ValueError(f"the metrics of one evaluation need one protocol; the config has {', '.join(sorted(names))}")
    cfg.protocol = protocols.find_protocol(protocol or next(iter(names), "classic_y")).name
    if metrics is not None:
        found = [*(metric_config(name, weights) for name in metrics), {"type": "NFE"}]
    with_protocol = [metric for metric in found if _has_protocol(metric)]
    for metric in with_protocol:
        metric["protocol"] = cfg.protocol
    cfg.test_evaluator = [*with_protocol, *(m for m in found if m not in with_protocol), {"type": "ImageDigest"}]
    if "ceiling" in inspect.signature(find_class(cfg.model, MODELS)).parameters:
        cfg.model.ceiling = True
    return cfg
