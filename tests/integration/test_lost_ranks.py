"""Where a rank dies or hangs, the others end in time, with one message that names it."""

import time
from pathlib import Path

import pytest

from tests.integration.test_resume import options, write_config
from tests.testing import run_tool, start_ranks

TIMEOUT = 5


def survive(folder: Path, fault: str, survivor: int = 0) -> tuple[str, float]:
    """The last words of a rank that loses the other, and the seconds between the fault and its end."""
    config = write_config(folder, f", {fault}")
    keys = options(folder, 2, **{"env_cfg.dist_cfg.timeout": TIMEOUT})
    args = ("train.py", config, "--work-dir", folder / "run")
    processes, logs = start_ranks(*args, options=keys, folder=folder)
    lost = 1 - survivor
    try:
        processes[survivor].join()
        end = time.time()
        assert processes[survivor].exitcode == 1
    finally:
        for process in processes:
            process.kill()
            process.join()
    output = logs[survivor].read_text()
    assert "Traceback" not in output
    assert output.count("error: ") == 1
    (message,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert f"rank {lost}" in message
    assert "start all ranks again with --resume" in message
    return message, end - (folder / "run" / "fault").stat().st_mtime


def test_a_rank_that_is_killed(tmp_path: Path) -> None:
    message, seconds = survive(tmp_path, 'dict(type="SendSignal", name="SIGKILL", at=4, rank=1)')
    assert "rank 0 of 2 cannot go on" in message
    assert "has given no sign of life since about iteration" in message
    assert seconds < 4 * TIMEOUT


@pytest.mark.slow
def test_rank_0_that_is_killed(tmp_path: Path) -> None:
    message, seconds = survive(tmp_path, 'dict(type="SendSignal", name="SIGKILL", at=4)', survivor=1)
    assert "rank 0, which holds what ranks tell each other, has ended" in message
    assert seconds < 4 * TIMEOUT


@pytest.mark.slow
def test_a_rank_that_stops_as_a_machine_does(tmp_path: Path) -> None:
    message, seconds = survive(tmp_path, 'dict(type="SendSignal", name="SIGSTOP", at=4, rank=1)')
    assert f"stood still for {TIMEOUT} s" in message
    assert "has given no sign of life since about iteration" in message
    assert TIMEOUT <= seconds < 5 * TIMEOUT


@pytest.mark.slow
def test_a_rank_that_hangs(tmp_path: Path) -> None:
    message, seconds = survive(tmp_path, 'dict(type="Hang", at=4)')
    assert "stands in iteration 4 at hooks.py:" in message
    assert "(after_train_iter)" in message
    assert TIMEOUT <= seconds < 5 * TIMEOUT


@pytest.mark.slow
def test_a_rank_with_an_error_of_its_own(tmp_path: Path) -> None:
    """Which every rank's log then holds."""
    message, seconds = survive(tmp_path, 'dict(type="Fail", at=4)')
    assert "ended with the picture a.png cannot be read" in message
    assert seconds < 4 * TIMEOUT


def test_a_rank_that_never_comes(tmp_path: Path) -> None:
    keys = options(tmp_path, 2, **{"env_cfg.dist_cfg.timeout": 1})
    processes, logs = start_ranks(
        "train.py", write_config(tmp_path), "--work-dir", tmp_path, options=keys, folder=tmp_path
    )
    processes[1].kill()
    processes[0].join()
    output = logs[0].read_text()
    assert "error: rank 0 of 2 did not find the others at 127.0.0.1:" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("timeout", [0, -3, "soon"])
def test_the_timeout_is_checked(tmp_path: Path, timeout: object) -> None:
    keys = options(tmp_path, **{"env_cfg.dist_cfg.timeout": timeout})
    output = run_tool("train.py", write_config(tmp_path), "--work-dir", tmp_path, options=keys, expect=1)
    assert "error: env_cfg.dist_cfg.timeout must be a positive number of seconds" in output
