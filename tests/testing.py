"""What several test files share: small photographs, a small config, and running the tools."""

import io
import os
import runpy
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
import torch
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

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

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


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
    """Run a tool in a process of its own, or in several as torchrun starts them; its output is returned."""
    with TemporaryDirectory() as folder:
        processes, logs = start_ranks(name, *args, options=options, ranks=ranks, folder=Path(folder), cwd=cwd)
        code, output = wait_for_all(processes), "".join(log.read_text() for log in logs)
    assert code == expect, output[-4000:]
    return output


def start_ranks(
    name: str, *args: object, folder: Path, options: dict | None = None, ranks: int = 2, cwd: Path = ROOT
) -> tuple[list[ForkServerProcess], list[Path]]:
    """Start a tool in one process, or in several as torchrun does; the processes, and their logs in a folder."""
    words = [*args]
    if options:
        words += ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]
    port = free_port()
    variables = [_variables_of(rank, ranks, port) for rank in range(ranks)] or [{}]
    logs = [folder / f"{rank}.log" for rank in range(len(variables))]
    started = [
        start_tool(name, *words, log=log, cwd=cwd, variables=own) for log, own in zip(logs, variables, strict=True)
    ]
    return started, logs


def fork_server() -> ForkServerContext:
    """Context whose processes are forks of one that has imported everything."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.preloaded"])
    return context


def start_tool(
    name: str, *args: object, log: Path, cwd: Path = ROOT, variables: Mapping[str, str] | None = None
) -> ForkServerProcess:
    """Start a tool in a fork of a process that has imported everything: what it imports takes longer than most runs."""
    script, words = str(ROOT / "tools" / name), [*map(str, args)]
    environ = {**environment(), **(variables or {})}
    process = fork_server().Process(target=_run, args=(script, words, str(cwd), str(log), environ))
    with mock.patch.dict(os.environ, environment()):  # the server starts with the first process
        process.start()
    return process


def wait_for_all(processes: list[ForkServerProcess]) -> int:
    """Exit status of processes of one run: where one fails, the others are ended, and its status is that of all."""
    while running := [process for process in processes if process.is_alive()]:
        if code := next((process.exitcode for process in processes if process.exitcode), 0):
            for process in running:
                process.kill()
                process.join()
            return code
        wait([process.sentinel for process in running])
    return next((process.exitcode for process in processes if process.exitcode), 0)


def _variables_of(rank: int, ranks: int, port: int) -> dict[str, str]:
    """What torchrun tells a process."""
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks, "OMP_NUM_THREADS": 1}
    return {**{key: str(value) for key, value in own.items()}, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


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
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
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


@contextmanager
def new_page(parent: "Browser | BrowserContext", **options: Any) -> Iterator["Page"]:
    """A page that may take its time on a busy machine: what hangs is ended by the guard of the whole suite."""
    with parent.new_page(**options) as page:
        page.set_default_timeout(0)
        yield page


def record(page: "Page") -> tuple[list[str], list[str]]:
    """Requests of a page and messages in its console: two lists that grow with it."""
    requests: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: messages.append(str(error)))
    return requests, messages


def screen(page: "Page") -> np.ndarray:
    """Pixels of the window."""
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)


def wait_for(page: "Page", condition: str) -> None:
    """Until an expression is true; Playwright's own way is refused by a page that forbids ``eval``."""
    while not page.evaluate(condition):
        page.wait_for_timeout(20)
