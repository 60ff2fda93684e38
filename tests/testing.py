"""What several test files share: small photographs, a small config, and running the tools."""

import io
import os
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image

ROOT = Path(__file__).parents[1]
TINY = ROOT / "configs" / "cfm_realsr_tiny.py"

# A network and a data set of a second: what the tests of the platform train.
SMALL = {
    "crop_size": 16,
    "model.network.base_channels": 8,
    "model.network.dropout": 0.1,  # draws from the global generator, which a resumed run must restore
    "model.encoder.factor": 2,
    "train_dataloader.batch_size": 4,
    "train_cfg.max_iters": 6,
    "train_cfg.val_interval": 100,
    "param_scheduler.0.end": 2,
    "param_scheduler.1.begin": 2,
    "default_hooks.checkpoint.interval": 3,
    "default_hooks.checkpoint.max_keep_ckpts": -1,
    "default_hooks.logger.interval": 1,
}


def write_images(folder: Path, count: int = 6, side: int = 32, suffix: str = ".png", seed: int = 0) -> Path:
    """Smooth random pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for index in range(count):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{index}{suffix}")
    return folder


def small_options(folder: Path, **changes: object) -> dict[str, object]:
    """Options that make the demo's config small, on generated images."""
    data = write_images(folder / "images")
    return {**SMALL, "data_root": str(data), "val_root": str(data), **changes}


def run_tool(
    name: str, *args: object, options: dict | None = None, ranks: int = 0, expect: int = 0, cwd: Path = ROOT
) -> str:
    """Run a tool in a process of its own, or in several; its output is returned."""
    script, words = str(ROOT / "tools" / name), [*map(str, args)]
    if options:
        words += ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]
    if ranks:
        launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={ranks}", "--master_port=0", "--standalone"]
        command = [sys.executable, *launcher, script, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment())
        code, output = done.returncode, done.stdout + done.stderr
    else:
        code, output = _forked(script, words, cwd)
    assert code == expect, output[-4000:]
    return output


def _forked(script: str, words: list[str], cwd: Path) -> tuple[int, str]:
    """Run a script in a fork of a process that has imported everything: what it imports takes longer than most runs."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        context = get_context("forkserver")
        context.set_forkserver_preload(
            ["cfmrestore.analysis.sweep", "cfmrestore.apis.degrade", "cfmrestore.apis.restore"]
        )
        process = context.Process(target=_run, args=(script, words, str(cwd), str(log), environment()))
        with mock.patch.dict(os.environ, environment()):  # the server starts with the first process
            process.start()
        process.join()
        return process.exitcode or 0, log.read_text()


def _run(script: str, words: list[str], cwd: str, log: str, variables: dict[str, str]) -> None:
    """What happens in the fork."""
    with open(log, "w") as file:  # noqa: PTH123 - the descriptor is what counts
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)
    os.chdir(cwd)
    os.environ.update(variables)
    sys.path[:0] = variables["PYTHONPATH"].split(os.pathsep)
    torch.set_num_threads(1)
    sys.argv = [script, *words]
    runpy.run_path(script, run_name="__main__")


def call_tool(name: str, *args: object) -> str:
    """Run a tool that fails in this process, in a tenth of the time; its output and its message are returned."""
    code, output = in_this_process(str(ROOT / "tools" / name), *args)
    assert code not in (0, None)
    return f"{output}{code}"


def in_this_process(script: str, *args: object) -> tuple[int | str | None, str]:
    """Run a script, or a module by its dotted name, that ends by itself: with what code, and its output."""
    output, argv, path, threads = io.StringIO(), sys.argv, list(sys.path), torch.get_num_threads()
    run: Any = runpy.run_path if Path(script).is_file() else runpy.run_module
    sys.argv = [script, *map(str, args)]
    try:
        with redirect_stdout(output), redirect_stderr(output), pytest.raises(SystemExit) as stopped:
            run(script, run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path
        torch.set_num_threads(threads)
    return stopped.value.code, output.getvalue()


def environment() -> dict[str, str]:
    """One thread a process, so that sums are in one order however many processes there are."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def same(a: object, b: object) -> bool:
    """Bit for bit, through nested containers."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b
