"""Evaluation of a checkpoint on any number of benchmarks."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from cfmrestore.engine.hooks import PictureHook, SaveImagesHook
from cfmrestore.engine.setup import (
    benchmark_dataset,
    build_runner,
    check_folders,
    prepare_config,
    prepare_test_config,
)
from cfmrestore.evaluation import protocols
from cfmrestore.reports import results
from cfmrestore.restore import stages


def evaluate_checkpoint(
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
    cfg = prepare_config(config, work_dir=work_dir, launcher=launcher, options=options)
    cfg = prepare_test_config(cfg, stages.find_model(checkpoint), protocol, metrics, weights)
    if not benchmarks:
        check_folders(cfg, "test_dataloader")
    scale = cfg.model.get("scale", 4)
    sets: dict[str, dict[str, Any] | None] = {
        name: benchmark_dataset(name, where, scale) for name, where in (benchmarks or {}).items()
    } or {_test_set_name(cfg): None}
    if show_dir is not None:
        for name, dataset in sets.items():
            _check_apart(Path(show_dir) / (name if benchmarks else ""), dataset or cfg.test_dataloader.dataset)
    runner = build_runner(cfg)
    images = SaveImagesHook(folder=f"{runner.work_dir}/images_{runner.timestamp}")
    panels = PictureHook(folder=show_dir or "")
    for hook, wanted in ((images, report), (panels, show_dir)):
        if wanted is not None:
            runner.register_hook(hook)
    try:
        scores = {}
        for name, dataset in sets.items():
            images.subfolder, panels.subfolder = name, name if benchmarks else ""
            scores[name] = runner.test_on(dataset)
        settings = {
            "config": str(cfg.filename),
            "checkpoint": cfg.load_from,
            "sampling": cfg.model.get("sampling", {}),
            "options": {key: str(value) for key, value in (options or {}).items()},
        }
        result = results.assemble(method or cfg.load_from, protocols.find_protocol(cfg.protocol), scores, settings)
        if runner.rank == 0:
            results.write_outputs(result, out, report, images.read)
    finally:
        if runner.rank == 0:
            shutil.rmtree(images.folder, ignore_errors=True)
    return result


def _check_apart(folder: Path, dataset: Mapping[str, Any]) -> None:
    """Refuse to write pictures among those that are tested, whose names they would have."""
    for key, value in dataset.items():
        if isinstance(value, str) and key.endswith("_root") and folder.resolve().is_relative_to(Path(value).resolve()):
            raise ValueError(
                f"pictures of tested images in {folder} would lie among the images of {value}: name another"
            )


def _test_set_name(cfg: Config) -> str:
    """Name of the config's own test set: the last folder of its path that says anything, or what it is."""
    dataset = cfg.test_dataloader.dataset
    root = dataset.get("data_root") or dataset.get("high_root")
    return results.title_of(root) if root else " ".join(dataset[key] for key in ("type", "split") if key in dataset)
