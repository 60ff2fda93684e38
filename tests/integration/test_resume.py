"""A run that was stopped, in any way, ends as the unbroken one: bit for bit."""

import json
from pathlib import Path

import pytest
import torch

from cfmrestore.engine import checkpoints
from tests.testing import TINY, run_tool, same, small_options

CONFIG = """
_base_ = {base!r}
custom_imports = dict(imports=["tests.integration.hooks"])
custom_hooks = [
    dict(type="EMAHook", decay=0.9), dict(type="PreemptionHook", interval=1), dict(type="WriteRandomState"){more}
]
"""


def write_config(folder: Path, more: str = "") -> Path:
    path = folder / f"config{len(more)}.py"
    path.write_text(CONFIG.format(base=str(TINY), more=more))
    return path


def options(folder: Path, ranks: int = 0, **changes) -> dict:
    keys = {"train_cfg.max_iters": 20, "default_hooks.checkpoint.interval": 10, **changes}
    return small_options(folder, **{"train_dataloader.batch_size": 4 // max(ranks, 1), **keys})


def losses(work_dir: Path) -> list[float]:
    """The training loss of every iteration, from all the logs of a run, the last word counting."""
    rows = {}
    for path in sorted(work_dir.glob("*/vis_data/scalars.json")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            if "loss" in row:
                rows[row["step"]] = row["loss"]
    return [rows[step] for step in sorted(rows)]


def check_same_end(one: Path, other: Path, iteration: int = 20, ranks: int = 1) -> None:
    a, b = (checkpoints.load(folder / f"iter_{iteration}.pth") for folder in (one, other))
    for part in ("state_dict", "raw_state_dict", "optimizer", "param_schedulers"):
        assert same(a[part], b[part]), part
    assert same(a.get("losses"), b.get("losses"))
    assert not same(a["state_dict"], a["raw_state_dict"])
    for rank in range(ranks):
        assert (one / f"random_{rank}.txt").read_text() == (other / f"random_{rank}.txt").read_text()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> dict[int, Path]:
    """Runs of twenty iterations, in one process and in two."""
    folder = tmp_path_factory.mktemp("unbroken")
    config, result = write_config(folder), {}
    for ranks in (0, 2):
        result[ranks] = folder / f"ranks{ranks}"
        run_tool("train.py", config, "--work-dir", result[ranks], options=options(folder, ranks), ranks=ranks)
    return result


@pytest.mark.parametrize("ranks", [0, 2])
def test_killed_between_checkpoints(tmp_path: Path, unbroken: dict[int, Path], ranks: int) -> None:
    config = write_config(tmp_path, ', dict(type="SendSignal", name="SIGKILL", at=13)')
    keys, work_dir = options(tmp_path, ranks), tmp_path / "run"
    run_tool("train.py", config, "--work-dir", work_dir, options=keys, ranks=ranks, expect=-9)
    assert checkpoints.find_latest(work_dir).name == "iter_10.pth"
    output = run_tool("train.py", config, "--work-dir", work_dir, "--resume", options=keys, ranks=ranks)
    assert "resumed at iteration 10" in output
    check_same_end(unbroken[ranks], work_dir, ranks=max(ranks, 1))


@pytest.mark.parametrize(("name", "workers"), [("SIGUSR1", 0), ("SIGTERM", 1), ("SIGINT", 1)])
def test_stopped_by_a_signal(tmp_path: Path, unbroken: dict[int, Path], name: str, workers: int) -> None:
    """Also where a scheduler signals the workers that read the data too."""
    config = write_config(tmp_path, ', dict(type="SendSignal", name="' + name + '", at=7)')
    keys, work_dir = options(tmp_path, **{"train_dataloader.num_workers": workers}), tmp_path / "run"
    keys["train_dataloader.persistent_workers"] = workers > 0
    output = run_tool("train.py", config, "--work-dir", work_dir, options=keys, expect=130 if name == "SIGINT" else 0)
    assert f"{name} received: saved after iteration 7" in output
    assert "Iter(val)" not in output
    (log,) = work_dir.glob("*/*.log")
    for text in ("System environment", "train_dataloader = dict("):
        assert text in log.read_text()
        assert text not in output  # the screen shows what happens
    path = work_dir / "iter_7.pth"
    output = run_tool("train.py", config, "--work-dir", work_dir, "--resume", path, options=keys)
    assert "other settings" not in output
    check_same_end(unbroken[0], work_dir)


def test_killed_between_a_checkpoint_and_its_evaluation(tmp_path: Path) -> None:
    """The evaluation is made up for, so that the best weights are those of the unbroken run."""
    keys = options(tmp_path, **{"train_cfg.val_interval": 10})
    results = []
    for name, more in (("unbroken", ""), ("killed", ', dict(type="DieInEvaluation", at=10)')):
        config, work_dir = write_config(tmp_path, more), tmp_path / name
        run_tool("train.py", config, "--work-dir", work_dir, options=keys, expect=-9 if more else 0)
        if more:
            run_tool("train.py", config, "--work-dir", work_dir, "--resume", options=keys)
        info = checkpoints.load(work_dir / "iter_20.pth")["message_hub"]
        results.append([info["best_score"], info["best_ckpt"], info["evaluated_at"]])
    assert results[0] == results[1]


def test_ranks_and_accumulation_are_the_large_batch(tmp_path: Path) -> None:
    """Without dropout, whose draws belong to a process."""
    config = write_config(tmp_path)
    runs = {
        "whole": (0, {}),
        "ranks": (2, {"train_dataloader.batch_size": 2}),
        "parts": (0, {"train_dataloader.batch_size": 1, "optim_wrapper.accumulative_counts": 4}),
    }
    curves = {}
    for name, (ranks, changes) in runs.items():
        keys = {**options(tmp_path), "model.network.dropout": 0.0, **changes}
        run_tool("train.py", config, "--work-dir", tmp_path / name, options=keys, ranks=ranks)
        curves[name] = losses(tmp_path / name)
    assert all(len(curve) == 20 for curve in curves.values())
    for name in ("ranks", "parts"):
        assert max(abs(a - b) for a, b in zip(curves["whole"], curves[name], strict=True)) < 1e-5


def test_resuming_late_replays_nothing(tmp_path: Path) -> None:
    config, work_dir, keys = write_config(tmp_path), tmp_path / "run", options(tmp_path)
    run_tool("train.py", config, "--work-dir", work_dir, options=keys)
    checkpoint = checkpoints.load(work_dir / "iter_20.pth")
    checkpoint["meta"]["iter"] = 100_000
    checkpoints.save(checkpoint, work_dir / "iter_100000.pth")
    keys = {**keys, "train_cfg.max_iters": 100_003}
    output = run_tool(
        "train.py", config, "--work-dir", work_dir, "--resume", work_dir / "iter_100000.pth", options=keys
    )
    assert "resumed at iteration 100000" in output
    assert (work_dir / "iter_100003.pth").is_file()


def test_a_loss_that_is_not_finite_ends_in_one_message(tmp_path: Path) -> None:
    config, work_dir = write_config(tmp_path, ', dict(type="Poison")'), tmp_path / "run"
    keys = options(tmp_path, **{"default_hooks.checkpoint.interval": 2})
    output = run_tool("train.py", config, "--work-dir", work_dir, options=keys, expect=1)
    assert "iteration 3 is skipped, 1 in a row: the loss is nan (images" in output
    assert "at iteration 12, and 10 in a row were so (train_cfg.max_skipped): lower optim_wrapper" in output
    assert "Traceback" not in output
    assert torch.isfinite(checkpoints.load(work_dir / "iter_2.pth")["state_dict"]["network.stem.weight"]).all()
