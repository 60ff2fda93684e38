"""What Windows and macOS lack is not needed: the same code where Python's own modules have less."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from cfmrestore.engine import runner
from cfmrestore.restore.restorer import device_of
from tests.restore.flows import save_model
from tests.testing import TINY, environment, small_options, write_images

# Loaded before they lose what the packages that are used may need at their import.
SCRIPT = """
import errno, os, runpy, signal, sys
import torch, numpy, mmengine, mmengine.device.utils, psutil, pyvips, PIL.Image, concurrent.futures.process

for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGKILL", "pthread_sigmask", "sigwaitinfo", "sigwait"):
    delattr(signal, name)
for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGKILL"):
    signal.Signals._member_map_.pop(name)
for name in ("sched_getaffinity", "posix_fallocate", "sysconf", "fork"):
    delattr(os, name)
sys.modules["fcntl"] = None
if sys.argv[1] != "train":  # mmengine asks for the system first
    sys.modules["resource"] = None
mmengine.device.utils.DEVICE = "mps"
fsync = os.fsync

def sync(handle):
    os.write(handle, b"")  # fails on what is not open for writing
    fsync(handle)

os.fsync = sync
from cfmrestore.cli.main import main

main(sys.argv[1:])
"""


def run(*words: object) -> str:
    command = [sys.executable, "-c", SCRIPT, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_restoring(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=2)
    model = save_model(tmp_path / "small.pth")
    said = run("restore", images, "--model", model, "--out", tmp_path / "out")
    assert said.startswith("2 files written")


@pytest.mark.slow
def test_training(tmp_path: Path) -> None:
    options = [f"{key}={value}" for key, value in small_options(tmp_path, **{"train_cfg.val_interval": 6}).items()]
    said = run("train", TINY, "--work-dir", tmp_path / "run", "--cfg-options", *options)
    assert "Iter(val)" in said
    assert (tmp_path / "run" / "iter_6.safetensors").is_file()


def test_workers_leave_ctrl_c_to_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "sigwaitinfo")
    before, started = signal.getsignal(signal.SIGINT), list[int]()
    try:
        runner._start_worker(started.append, 3)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert started == [3]


@pytest.mark.parametrize("name", ["mps", "xpu", "meta"])
def test_other_accelerators_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"the device '{name}' is not supported; take auto, cpu or cuda"):
        device_of(name)
    assert device_of("cpu") == torch.device("cpu")
