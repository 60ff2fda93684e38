"""Benchmarks: both cases of a measurement, and processes that are never left behind."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cfmrestore.analysis.benchmarks import backends
from cfmrestore.analysis.benchmarks.cases import busy_processes, in_cases
from cfmrestore.analysis.benchmarks.choice import benchmark_choice, table
from cfmrestore.analysis.benchmarks.metrics import benchmark_metrics
from cfmrestore.analysis.benchmarks.network import benchmark_network
from cfmrestore.analysis.benchmarks.ranks import benchmark_ranks
from cfmrestore.analysis.benchmarks.restore import benchmark_restore
from tests.restore.flows import save_model
from tests.testing import TINY, environment, small_options, write_images


def test_the_automatic_choice_is_held_against_every_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, out = write_images(tmp_path / "photos", count=3, side=96), tmp_path / "rows.json"
    rows = benchmark_choice(photos, count=9, side=48, kinds=["shrunk", "noise, JPEG"], models=["cfm-x4"], out=str(out))
    assert capsys.readouterr().err == ""  # no terminal
    assert [row["file"] for row in rows] == ["0.png", "1.png", "2.png"]  # no more than there are, and each once
    assert [row["kind"] for row in rows] == ["shrunk", "noise, JPEG", "shrunk"]
    for row in rows:
        assert set(row["psnr"]) == {"cfm-x4-fast", "cfm-realsr-x4", "cfm-x4"}
        assert row["regret"] == max(row["psnr"].values()) - row["psnr"][row["choice"]] >= 0
    assert json.loads(out.read_text()) == rows
    lines = table(rows).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["shrunk", "noise, JPEG", "all"]
    assert "| always cfm-x4 " in lines[0]
    with pytest.raises(ValueError, match="unknown kinds fog; known are shrunk, JPEG, "):
        benchmark_choice(photos, kinds=["fog"])
    (row,) = benchmark_choice(photos, count=1, side=48, scale=2, kinds=["shrunk"])
    assert set(row["psnr"]) == {"cfm-x4-fast", "cfm-realsr-x2"}
    assert row["psnr"]["cfm-x4-fast"] > row["psnr"]["cfm-realsr-x2"]
    (row,) = benchmark_choice(photos, count=1, side=48, scale=1, kinds=["shrunk"])
    assert set(row["psnr"]) == {"cfm-x4-fast", "cfm-web-x1"}
    assert row["psnr"]["cfm-x4-fast"] > 45  # it leaves the picture as it is
    with pytest.raises(ValueError, match="scale and count are 1 or more, side 8 or more; got 0, "):
        benchmark_choice(photos, scale=0)


def children() -> set[int]:
    """Processes that this one has started and that have not ended."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def seconds_used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def test_processes_keep_busy_and_end_with_the_block() -> None:
    before = children()

    def fail_beside_them() -> None:
        with busy_processes(2):
            started = children() - before
            assert len(started) == 2
            while min(map(seconds_used, started)) < 0.1:  # they use what they get
                pass
            raise KeyError

    with pytest.raises(KeyError):
        fail_beside_them()
    assert children() == before


def test_a_killed_benchmark_leaves_nothing_behind() -> None:
    code = """
import os
from pathlib import Path
from cfmrestore.analysis.benchmarks.cases import busy_processes
with busy_processes(1):
    print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
    input()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], env=environment(), **pipes) as benchmark:
        assert benchmark.stdout is not None
        busy = os.pidfd_open(int(benchmark.stdout.readline()))
        benchmark.send_signal(signal.SIGKILL)
    select.select([busy], [], [])  # until it ends
    os.close(busy)


def test_cases() -> None:
    before = children()
    assert in_cases(lambda: len(children() - before), busy=2) == {"quiet": 0, "busy": 2}
    assert in_cases(lambda: len(children() - before), busy=0) == {"quiet": 0}
    with pytest.raises(ValueError, match="0 or more; got -1"):
        in_cases(children, busy=-1)


def run_metrics(folder: Path) -> dict:
    return benchmark_metrics(write_images(folder / "images", count=2, side=40), rounds=1)["PSNR+SSIM"]


def run_restore(folder: Path) -> dict:
    return benchmark_restore(save_model(folder / "model.pth"), side=64, rounds=1)


@pytest.mark.parametrize("run", [run_metrics, run_restore])
def test_both_cases_are_told(run: Callable[[Path], dict], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path)["cases"].keys() == {"quiet", "busy"}
    output = capsys.readouterr().out
    assert "| quiet |" in output
    assert "| busy  |" in output


@pytest.mark.slow
def test_training_together_is_measured_against_training_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this needs two cores")
    result = benchmark_ranks(TINY, iterations=2, warm_up=1, rounds=1, options=small_options(tmp_path))
    together, alone = (rates[1] for rates in reversed(result["iterations_a_second"].values()))
    assert min(together, alone) > 0
    assert result["ratios"] == {"ddp": pytest.approx(together / alone)}
    assert "| independent processes |" in capsys.readouterr().out
    with pytest.raises(ValueError, match="2 processes or more with a core each"):
        benchmark_ranks(TINY, ranks=1)


def test_the_parts_of_a_restoration_make_the_whole(tmp_path: Path) -> None:
    timed = run_restore(tmp_path)["cases"]["quiet"]
    assert timed["nfe"] == 2
    seconds = timed["seconds"]
    parts = {key: value for key, value in seconds.items() if key != "all"}
    assert parts.keys() == {"reading", "writing", "network", "encoder", "rest"}
    assert min(parts.values()) > 0
    assert sum(parts.values()) == pytest.approx(seconds["all"])
    assert timed["overhead"] == pytest.approx(1 - (seconds["network"] + seconds["encoder"]) / seconds["all"])


def test_backends_are_compared_with_torch(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    model = save_model(tmp_path / "model.pth")
    result = backends.benchmark_backends(model, backends=["torch"], side=32, rounds=1, out=str(file))
    assert result["cases"].keys() == {"quiet", "busy"}
    assert result["cases"]["busy"]["torch"]["ratio"] == 1
    assert result["levels"] == {"torch": 0}
    assert "beside 1 busy, ms" in backends.table(json.loads(file.read_text()))


def test_operations_of_a_network_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"model.network.base_channels": 16, "model.network.channel_factors": (1,)}
    found = benchmark_network(
        "configs/cfm_x4.py", side=8, batches=(1, 2), precisions=("fp32",), rounds=2, options=options,
        out=str(tmp_path / "found.json"),
    )  # fmt: skip
    one, two = (row for row in found["evaluations"] if row["layout"] == "contiguous")
    operations = [row["flops_per_second"] * row["milliseconds"][1] / 1e3 for row in (one, two)]
    assert operations[1] == pytest.approx(2 * operations[0])
    assert operations[0] == pytest.approx(found["flops"])
    assert {row["run"] for row in found["training"]} == {"training"}
    assert "of the rate" in capsys.readouterr().out
    assert (tmp_path / "found.json").exists()
    with pytest.raises(ValueError, match="graphs and tf32 are a GPU's"):
        benchmark_network("configs/cfm_x4.py", runs=("graph",))
