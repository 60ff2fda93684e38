"""A disk that is full ends a training with one message, and harms nothing that was saved before."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from cfmrestore.engine import checkpoints
from tests.integration.test_resume import check_same_end, options, write_config
from tests.testing import run_tool, same

resource = pytest.importorskip("resource")


def example(value: float) -> dict:
    return {"meta": {"iter": 3}, "state_dict": {"w": torch.full((50, 50), value), "b": torch.arange(9.0)}}


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes, in this process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_at_any_byte(tmp_path: Path) -> None:
    path, rng = tmp_path / "old" / "iter_3.pth", random.Random(0)
    checkpoints.save(example(1.0), path)
    files = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    sizes = [len(content) for content in files.values()]
    for limit in [0, 1, min(sizes) - 1, max(sizes) - 1, *rng.sample(range(max(sizes)), 20)]:
        with (
            at_most(limit),
            pytest.raises(ValueError, match=r"iter_3.pth' is not written, for its disk \(/.*too large"),
        ):
            checkpoints.save(example(2.0), path)
        assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == files
        with at_most(limit), pytest.raises(ValueError, match="is not written"):
            checkpoints.save(example(2.0), tmp_path / "new" / "iter_6.pth")
        assert list((tmp_path / "new").iterdir()) == []
    with at_most(max(sizes)):
        checkpoints.save(example(2.0), path)
    assert same(checkpoints.load(path), example(2.0))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which root may mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "tmpfs", disk], capture_output=True, check=False).returncode
    ):
        pytest.skip("a file system cannot be mounted: run as root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", "tmpfs", disk], check=True)


def test_a_training_on_a_disk_that_fills(tmp_path: Path, small_disk: Path) -> None:
    config, keys = write_config(tmp_path), options(tmp_path, **{"visualizer.vis_backends": "[]"})
    run_tool("train.py", config, "--work-dir", tmp_path / "unbroken", options=keys)
    one = sum((tmp_path / "unbroken" / f"iter_10{suffix}").stat().st_size for suffix in (".pth", ".safetensors"))
    resize(small_disk, int(1.8 * one))
    run = small_disk / "run"
    output = run_tool("train.py", config, "--work-dir", run, options=keys, expect=1)
    assert f"error: '{run / 'iter_20.pth'}' is not written, for its disk ({small_disk}) says: No space left" in output
    assert "Traceback" not in output
    assert sorted(path.name for path in run.glob("*iter_*")) == ["iter_10.pth", "iter_10.safetensors"]
    resize(small_disk, 4 * one)
    assert "resumed at iteration 10" in run_tool("train.py", config, "--work-dir", run, "--resume", options=keys)
    check_same_end(tmp_path / "unbroken", run)
    assert os.path.ismount(small_disk)
