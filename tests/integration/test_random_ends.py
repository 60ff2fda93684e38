"""A run of two ranks that is ended at random moments, by force or by a scheduler, ends as the unbroken one."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from cfmrestore.engine import checkpoints
from tests.integration.test_resume import check_same_end, options, write_config
from tests.testing import ROOT, environment, free_port, run_tool, start_ranks

ITERATIONS, TIMEOUT = 60, 5


def keys(folder: Path) -> dict:
    changes = {"train_cfg.max_iters": ITERATIONS, "env_cfg.dist_cfg.timeout": TIMEOUT}
    changes |= {"default_hooks.checkpoint.interval": 4, "default_hooks.checkpoint.max_keep_ckpts": 2}
    return options(folder, 2, **changes)


def arguments(folder: Path) -> tuple:
    return "train.py", write_config(folder), "--work-dir", folder / "run", "--resume"


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    run_tool(*arguments(folder), options=keys(folder), ranks=2)
    return folder / "run"


def train_a_while(log: Path, is_alive: Callable[[], bool], rng: random.Random, iterations: int) -> None:
    """Wait for so many iterations, and for a part of one more."""
    while is_alive() and (not log.is_file() or log.read_text().count("Iter(train)") < iterations):
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.15))


def end(processes: list[ForkServerProcess], logs: list[Path], victims: list[int]) -> None:
    """Kill some ranks; the others end by themselves."""
    for victim in victims:
        processes[victim].kill()
    for rank, process in enumerate(processes):
        process.join()
        if rank not in victims and process.exitcode:  # 0: it was done
            assert process.exitcode == 1
            assert "start all ranks again with --resume" in logs[rank].read_text()


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path, unbroken: Path, request: pytest.FixtureRequest) -> None:
    kills, rng = request.config.getoption("--kills"), random.Random(0)
    for number in range(kills):
        (folder := tmp_path / str(number)).mkdir()
        processes, logs = start_ranks(*arguments(tmp_path), options=keys(tmp_path), folder=folder)
        train_a_while(logs[0], processes[0].is_alive, rng, rng.randrange(1, ITERATIONS // kills + 2))
        assert processes[0].is_alive()
        end(processes, logs, rng.choice([[0], [1], [0, 1], [0, 1]]))
    run_tool(*arguments(tmp_path), options=keys(tmp_path), ranks=2)
    check_same_end(unbroken, tmp_path / "run", ITERATIONS, ranks=2)
    assert list((tmp_path / "run").glob(".*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("heard_by", [[0], [1], [0, 1]])
def test_preempted_at_a_random_moment(tmp_path: Path, unbroken: Path, heard_by: list[int]) -> None:
    rng = random.Random(str(heard_by))
    processes, logs = start_ranks(*arguments(tmp_path), options=keys(tmp_path), folder=tmp_path)
    train_a_while(logs[0], processes[0].is_alive, rng, rng.randrange(1, ITERATIONS - 20))
    for rank in heard_by:
        os.kill(processes[rank].pid, signal.SIGTERM)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert "SIGTERM received: saved after iteration" in logs[0].read_text()
    run_tool(*arguments(tmp_path), options=keys(tmp_path), ranks=2)
    check_same_end(unbroken, tmp_path / "run", ITERATIONS, ranks=2)


@pytest.mark.slow
def test_preempted_through_its_launcher(tmp_path: Path, unbroken: Path) -> None:
    """The script hands SIGTERM to torchrun, and torchrun to the ranks, for which it waits for half a minute."""
    _, config, *rest = arguments(tmp_path)
    words = [ROOT / "tools" / "dist_train.sh", config, 2, *rest]
    words += ["--cfg-options", *(f"{key}={value}" for key, value in keys(tmp_path).items())]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**environment(), "PATH": path, "PORT": str(free_port())}
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen([str(word) for word in words], stdout=file, stderr=file, env=variables)
    train_a_while(log, lambda: process.poll() is None, random.Random(0), 5)
    process.terminate()
    process.wait()
    assert "SIGTERM received: saved after iteration" in log.read_text()
    saved = checkpoints.find_latest(tmp_path / "run")
    assert saved.name != f"iter_{ITERATIONS}.pth"
    run_tool(*arguments(tmp_path), options=keys(tmp_path), ranks=2)
    check_same_end(unbroken, tmp_path / "run", ITERATIONS, ranks=2)
