"""Conditions with weights of their own in a training: resumed exactly, over ranks, and in the moving average."""

from pathlib import Path

import pytest
import torch

from cfmrestore.engine import checkpoints
from tests.integration.test_resume import check_same_end, losses
from tests.testing import ROOT, run_tool

CONFIG = """
_base_ = {base!r}
custom_imports = dict(imports=["tests.integration.hooks"])
custom_hooks = [
    dict(type="EMAHook", decay=0.9), dict(type="PreemptionHook", interval=1), dict(type="WriteRandomState"){more}
]
"""
TABLE = "conditions.ClassLabel.table.weight"
OPTIONS = {
    "model.network.base_channels": 16, "model.network.groups": 8, "model.network.head_dim": 8,
    "model.conditions.0.channels": 64, "train_dataloader.batch_size": 8, "train_cfg.max_iters": 12,
    "param_scheduler.0.end": 2, "param_scheduler.1.begin": 2, "default_hooks.checkpoint.interval": 6,
    "default_hooks.checkpoint.max_keep_ckpts": -1, "default_hooks.logger.interval": 1,
}  # fmt: skip


def train(folder: Path, name: str, *, more: str = "", ranks: int = 0, expect: int = 0, resume: bool = False,
          **changes: object) -> Path:  # fmt: skip
    config, run = folder / f"{name}.py", folder / name
    config.write_text(CONFIG.format(base=str(ROOT / "configs" / "lfm" / "digits_unet.py"), more=more))
    options = {**OPTIONS, "train_dataloader.batch_size": 8 // max(ranks, 1), **changes}
    flags = ["--resume"] if resume else []
    run_tool("train.py", config, "--work-dir", run, *flags, options=options, ranks=ranks, expect=expect)
    return run


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("unbroken"), "run")


def test_a_killed_run_ends_as_the_unbroken_one(tmp_path: Path, unbroken: Path) -> None:
    """Labels are dropped, and features: both draw."""
    train(tmp_path, "run", more=', dict(type="SendSignal", name="SIGKILL", at=8)', expect=-9)
    assert checkpoints.find_latest(tmp_path / "run").name == "iter_6.pth"
    check_same_end(unbroken, train(tmp_path, "run", resume=True), iteration=12)


def test_weights_of_conditions_are_trained_and_averaged(unbroken: Path) -> None:
    first, last = (checkpoints.load(unbroken / f"iter_{number}.pth") for number in (6, 12))
    for state in ("state_dict", "raw_state_dict"):
        assert not torch.equal(first[state][TABLE], last[state][TABLE])
    assert not torch.equal(last["state_dict"][TABLE], last["raw_state_dict"][TABLE])
    assert last["state_dict"].keys() == last["raw_state_dict"].keys()


@pytest.mark.slow
def test_two_ranks_are_one(tmp_path: Path) -> None:
    """Without dropout of features, whose draws belong to a process; labels are dropped by image."""
    runs = [train(tmp_path, f"ranks{ranks}", ranks=ranks, **{"model.network.dropout": 0.0}) for ranks in (0, 2)]
    one, two = (losses(run) for run in runs)
    assert len(one) == len(two) == 12
    assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 1e-5
    tables = [checkpoints.load(run / "iter_12.pth")["state_dict"][TABLE] for run in runs]
    assert torch.allclose(*tables, atol=1e-4)
