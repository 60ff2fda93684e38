"""Evaluation of a checkpoint."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfmrestore.apis.train import build_runner, drop, prepare
from cfmrestore.engine import checkpoints
from cfmrestore.engine.atomic import write_text
from cfmrestore.engine.runner import RestorationRunner


def evaluate(
    config: str | Path,
    checkpoint: str | Path,
    *,
    work_dir: str | None = None,
    out: str | None = None,
    show_dir: str | None = None,
    launcher: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure a checkpoint on the config's test set, beside bicubic interpolation.

    Args:
        config: The config file.
        checkpoint: A ``.pth`` or ``.safetensors`` file, or a work directory for its newest checkpoint.
        work_dir: Where the log is written.
        out: JSON file for the result; a Markdown table is written beside it.
        show_dir: Folder for a picture of every image.
        launcher: "none", "pytorch", "slurm" or "mpi"; by default what the environment says.
        options: Dotted keys of the config and their values.
    """
    cfg = prepare(config, work_dir=work_dir, launcher=launcher, options=options)
    path = checkpoints.locate(checkpoint)
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {str(path)!r}")
    cfg.load_from, cfg.resume = str(path), False
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = cfg.param_scheduler = None
    drop(cfg, "val")
    if cfg.get("test_dataloader") is None:
        raise ValueError("the config has no test_dataloader")
    cfg.auto_scale_lr = None
    if show_dir is not None:
        cfg.custom_hooks = [*(cfg.get("custom_hooks") or []), {"type": "PictureHook", "folder": show_dir}]
    runner = build_runner(cfg)
    began = time.perf_counter()
    metrics = runner.test()
    result = _result(runner, metrics, time.perf_counter() - began, str(path))
    if runner.rank == 0:
        text = table(result)
        print(f"\n{text}")
        if out is not None:
            write_text(out, json.dumps(result, indent=2) + "\n")
            write_text(Path(out).with_suffix(".md"), text)
    return result


def _result(runner: RestorationRunner, metrics: dict[str, float], seconds: float, checkpoint: str) -> dict[str, Any]:
    rows: dict[str, dict[str, float]] = {"restored": {}}
    for name, value in metrics.items():
        row, _, metric = name.rpartition("/")
        rows.setdefault(row or "restored", {})[metric] = value
    images = len(runner.test_dataloader.dataset)
    return {
        "checkpoint": checkpoint,
        "config": str(runner.cfg.filename),
        "num_images": images,
        "seconds_per_image": seconds * runner.world_size / images,
        "rows": rows,
        "versions": checkpoints.versions(),
    }


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    if value == int(value):
        return str(int(value))
    return f"{value:.2f}" if value >= 1 else f"{value:.4f}"


def table(result: dict[str, Any]) -> str:
    """The rows as a Markdown table."""
    rows: dict[str, dict[str, float]] = result["rows"]
    columns = list(rows["restored"])
    cells = [["", *columns]] + [[name, *(_cell(row.get(c)) for c in columns)] for name, row in rows.items()]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines) + f"\n\n{result['num_images']} images, {result['seconds_per_image']:.2f} s an image\n"
