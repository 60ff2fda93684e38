"""Evaluation of a checkpoint on any number of benchmarks."""

import inspect
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.apis import results
from cfmrestore.apis.frozen import folders_of
from cfmrestore.apis.metric_names import metric_config
from cfmrestore.apis.report import write_report
from cfmrestore.apis.train import build_runner, drop, prepare
from cfmrestore.engine.hooks.keep_hook import KeepHook, kept
from cfmrestore.engine.hooks.picture_hook import PictureHook
from cfmrestore.engine.runner import RestorationRunner
from cfmrestore.evaluation import protocols
from cfmrestore.evaluation.metrics import ImageMetric, SetMetric
from cfmrestore.registry import METRICS, MODELS, find
from cfmrestore.restore import models

_CROP = {"type": "CentreCrop"}  # to multiples of the scale


def evaluate(
    config: str | Path,
    checkpoint: str | Path,
    *,
    benchmarks: Mapping[str, str] | None = None,
    protocol: str | None = None,
    metrics: Sequence[str] | None = None,
    weights: str | None = None,
    method: str | None = None,
    work_dir: str | None = None,
    out: str | None = None,
    report: str | None = None,
    show_dir: str | None = None,
    launcher: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> results.Result:
    """Measure a checkpoint, beside bicubic interpolation and beside what its encoder can do.

    Args:
        config: The config file.
        checkpoint: A ``.pth`` or ``.safetensors`` file, a work directory for its newest checkpoint, or a bundled model.
        benchmarks: Names and folders, in place of the config's test set: "HIGH,LOW" for pairs, "HIGH" for targets
            that the config's degradation is applied to, or a frozen set of ``tools/degrade.py``.
        protocol: How images are compared, in place of the config's.
        metrics: Their names, in any case, in place of the config's.
        weights: Folder with the weights of networks that these metrics need; without it, torch's cache.
        method: How the restorations are called in tables; by default the checkpoint.
        work_dir: Where the log is written.
        out: JSON file for the result; a Markdown table and a CSV file are written beside it.
        report: HTML file with table, histograms and the worst images.
        show_dir: Folder for a picture of every image.
        launcher: "none", "pytorch", "slurm" or "mpi"; by default what the environment says.
        options: Dotted keys of the config and their values.
    """
    results.check_names(out, report)
    cfg = prepare(config, work_dir=work_dir, launcher=launcher, options=options)
    if metrics is not None:
        cfg.test_evaluator = [*(metric_config(one, weights) for one in metrics), {"type": "NFE"}]
    cfg = settle(cfg, checkpoint, protocol)
    sets: dict[str, dict[str, Any] | None] = {n: dataset(n, where) for n, where in (benchmarks or {}).items()}
    runner = build_runner(cfg)
    images = Path(runner.work_dir) / f"images_{runner.timestamp}"
    pictures = Path(show_dir) if show_dir else None
    if report is not None:
        runner.register_hook(KeepHook(folder=str(images)))
    if pictures is not None:
        runner.register_hook(PictureHook(folder=str(pictures)))
    try:
        made = {}
        for name, own in (sets or {_name(cfg): None}).items():
            folders: dict[type, Path | None] = {KeepHook: images / name}
            folders[PictureHook] = pictures / name if pictures and sets else pictures
            made[name] = measure(runner, cfg, own, folders)
        name, shells = method or cfg.load_from, runner.test_evaluator.metrics
        result = results.assemble(name, protocol_of(cfg), shells, made, _settings(cfg, options or {}))
        if runner.rank == 0:
            _show(result, out, report, images)
    finally:
        if runner.rank == 0:
            shutil.rmtree(images, ignore_errors=True)
    return result


def dataset(name: str, where: str) -> dict[str, Any]:
    """The dataset of a benchmark: two folders, one, or a frozen set."""
    folders = folders_of(name, where)
    if len(folders) == 2:
        return {"type": "PairedFolder", "high_root": str(folders[0]), "low_root": str(folders[1])}
    return {"type": "ImageFolder", "data_root": str(folders[0]), "pipeline": [_CROP]}


def settle(cfg: Config, checkpoint: str | Path, protocol: str | None) -> Config:
    """A config that only tests, all its metrics by one protocol, with what a result file needs."""
    path = models.find(checkpoint)
    if cfg.get("test_dataloader") is None:
        raise ValueError("the config has no test_dataloader")
    cfg.load_from, cfg.resume = str(path), False
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = cfg.param_scheduler = None
    drop(cfg, "val")
    cfg.auto_scale_lr = None
    metrics = list(cfg.test_evaluator) if isinstance(cfg.test_evaluator, list | tuple) else [cfg.test_evaluator]
    with_protocol = [metric for metric in metrics if issubclass(find(metric, METRICS), ImageMetric)]
    names = {metric.get("protocol", cfg.get("protocol", "classic_y")) for metric in with_protocol}
    if protocol is None and len(names) > 1:
        raise ValueError(f"the metrics of one evaluation need one protocol; the config has {', '.join(sorted(names))}")
    cfg.protocol = protocols.find(protocol or next(iter(names), "classic_y")).name
    for metric in with_protocol:
        metric["protocol"] = cfg.protocol
    cfg.test_evaluator = [*with_protocol, *(m for m in metrics if m not in with_protocol), {"type": "ImageSet"}]
    if "ceiling" in inspect.signature(find(cfg.model, MODELS)).parameters:
        cfg.model.ceiling = True
    return cfg


def protocol_of(cfg: Config) -> protocols.Protocol:
    """By which a settled config compares images."""
    return protocols.find(cfg.protocol)


def _settings(cfg: Config, options: Mapping[str, Any]) -> dict[str, Any]:
    """How the restorations were made."""
    return {
        "config": str(cfg.filename),
        "checkpoint": cfg.load_from,
        "sampling": cfg.model.get("sampling", {}),
        "options": {key: str(value) for key, value in options.items()},
    }


def _name(cfg: Config) -> str:
    """Of the config's own test set: the last folder of its path that says anything."""
    own = cfg.test_dataloader.dataset
    return results.title_of(own.get("data_root") or own.get("high_root") or "test")


def measure(
    runner: RestorationRunner,
    cfg: Config,
    own: dict[str, Any] | None = None,
    folders: Mapping[type, Path | None] | None = None,
) -> results.Result:
    """Run the test loop on one set of images, those of the config without another.

    Args:
        runner: Built from ``cfg``.
        cfg: A settled config.
        own: The dataset's config.
        folders: Where hooks that write go on, by their class.
    """
    if own is not None:
        scale = cfg.model.get("scale", 4)
        own = {**own, "pipeline": [{**step, "multiple": scale} for step in own.get("pipeline", [])]}
    loader = cfg.test_dataloader if own is None else {**cfg.test_dataloader, "dataset": own}
    runner._test_dataloader, runner._test_evaluator = loader, cfg.test_evaluator
    runner._test_loop = dict(cfg.test_cfg)
    for hook in runner.hooks:
        if folder := (folders or {}).get(type(hook)):
            hook.start(folder)
    for metric in runner.test_loop.evaluator.metrics:
        if isinstance(metric, ImageMetric | SetMetric):
            metric.prepare()
    means = runner.test()
    if runner.rank != 0:
        return {"images": [], "rows": {}, "values": {}, "warnings": []}  # the numbers are with rank 0
    return results.benchmark(runner.test_evaluator.metrics, means)


def _show(result: results.Result, out: str | None, report: str | None, images: Path) -> None:
    print(f"\n{results.table(result)}")
    if out is not None:
        results.write(result, out)
    if report is not None:
        names = {name: one["images"] for name, one in result["benchmarks"].items()}
        write_report(report, result, lambda name, index: kept(images / name, names[name][index]))
        print(f"look at {report}")
