"""Every way to start several processes trains what ``train.py`` trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cfmrestore.engine import checkpoints
from tests.testing import ROOT, TINY, environment, free_port, run_tool, same, small_options, start_tool, wait_for_all

# What slurm's srun does, on this machine: one task a rank, each with its variables.
SRUN = """#!/usr/bin/env bash
while [ "$1" != python ]; do case "$1" in --ntasks=*) n="${1#*=}";; esac; shift; done
for rank in $(seq 0 $((n - 1))); do
    SLURM_PROCID=$rank SLURM_LOCALID=$rank SLURM_NTASKS=$n SLURM_NODELIST=localhost "$@" & tasks+=($!)
done
for task in "${tasks[@]}"; do wait "$task" || exit 1; done
"""


def run_script(name: str, *args: object, options: dict, bin_folder: Path | None = None, **env: object) -> str:
    command = [str(ROOT / "tools" / name), *map(str, args)]
    command += ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]
    path = os.pathsep.join(
        [*([str(bin_folder)] if bin_folder else []), str(Path(sys.executable).parent), os.environ["PATH"]]
    )
    variables = {**environment(), "PATH": path, **{key: str(value) for key, value in env.items()}}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory) -> tuple[Path, dict]:
    """A run of two ranks, and its options."""
    folder = tmp_path_factory.mktemp("ranks")
    options = small_options(folder, **{"train_dataloader.batch_size": 2})
    run_tool("train.py", TINY, "--work-dir", folder / "run", options=options, ranks=2)
    return folder / "run", options


def weights(run: Path) -> dict:
    checkpoint = checkpoints.load(run / "iter_6.pth")
    return {key: checkpoint[key] for key in ("state_dict", "raw_state_dict")}


@pytest.mark.slow
def test_dist_scripts(two_ranks: tuple[Path, dict], tmp_path: Path) -> None:
    run, options = two_ranks
    run_script("dist_train.sh", TINY, 2, "--work-dir", tmp_path / "run", options=options, PORT=free_port())
    assert same(weights(tmp_path / "run"), weights(run))
    output = run_script(
        "dist_test.sh", TINY, tmp_path / "run", 2, "--work-dir", tmp_path, options=options, PORT=free_port()
    )
    assert output.count("| restored ") == 1


@pytest.mark.slow
def test_slurm_script(two_ranks: tuple[Path, dict], tmp_path: Path) -> None:
    run, options = two_ranks
    (tmp_path / "bin").mkdir()
    srun = tmp_path / "bin" / "srun"
    srun.write_text(SRUN)
    srun.chmod(0o755)
    args = ["debug", "a_job", TINY, tmp_path / "run"]
    run_script("slurm_train.sh", *args, options=options, bin_folder=srun.parent, GPUS=2, MASTER_PORT=free_port())
    assert same(weights(tmp_path / "run"), weights(run))


def test_mpi(two_ranks: tuple[Path, dict], tmp_path: Path) -> None:
    run, options = two_ranks
    args: list[object] = [TINY, "--launcher", "mpi", "--work-dir", tmp_path / "run"]
    args += ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]
    shared = {"MASTER_PORT": str(free_port()), "OMPI_COMM_WORLD_SIZE": "2"}
    ranks = [{"OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_LOCAL_RANK": str(rank)} for rank in range(2)]
    processes = [
        start_tool("train.py", *args, log=tmp_path / f"{k}.log", variables={**shared, **ranks[k]}) for k in range(2)
    ]
    assert wait_for_all(processes) == 0
    assert same(weights(tmp_path / "run"), weights(run))


def test_a_launcher_that_started_nothing(tmp_path: Path) -> None:
    for launcher, missing in (("slurm", "SLURM_PROCID"), ("mpi", "OMPI_COMM_WORLD_RANK"), ("pytorch", "torchrun")):
        args = [TINY, "--launcher", launcher, "--work-dir", tmp_path]
        output = run_tool("train.py", *args, options=small_options(tmp_path), expect=1)
        assert "error: " in output
        assert missing in output
        assert "Traceback" not in output
