"""Flow maps in a training: begun from a velocity, taught by it, resumed exactly, and the same over ranks."""

from pathlib import Path
from typing import Any

import pytest
import torch

from cfmrestore.engine import checkpoints
from cfmrestore.restore import Restorer
from tests.integration.test_resume import check_same_end, losses
from tests.restore.flows import save_model
from tests.testing import TINY, run_tool, small_options

CONFIG = """
_base_ = {base!r}
load_from = {weights!r}
custom_imports = dict(imports=["tests.integration.hooks"])
custom_hooks = [
    dict(type="EMAHook", decay=0.9), dict(type="PreemptionHook", interval=1), dict(type="WriteRandomState"){more}
]
model = dict(
    network=dict(flow_map=True),
    teacher=dict(weights={weights!r}),
    loss=[
        dict(type="MSE"), dict(type="Shortcut"), dict(type="MeanFlow"), dict(type="Trajectory", num_intervals=2),
        dict(type="Adversarial", steps=1, channels=4, begin=2),
    ],
    sampling=dict(_delete_=True, solver=dict(type="FlowMapEuler"), num_intervals=1),
)
"""


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained velocity of the tiny config."""
    folder = tmp_path_factory.mktemp("teacher")
    options = {**small_options(folder), "train_dataloader.batch_size": 4, "model.network.dropout": 0.0}
    run_tool("train.py", TINY, "--work-dir", folder / "run", options={**options, "train_cfg.max_iters": 4})
    return checkpoints.find_latest(folder / "run").with_suffix(".safetensors")


def train(folder: Path, teacher: Path, name: str, *, more: str = "", ranks: int = 0, expect: int = 0,
          resume: bool = False) -> Path:  # fmt: skip
    config, run = folder / f"{name}.py", folder / name
    config.write_text(CONFIG.format(base=str(TINY), weights=str(teacher), more=more))
    options: dict[str, Any] = {
        **small_options(folder), "train_dataloader.batch_size": 4 // max(ranks, 1), "model.network.dropout": 0.0,
        "train_cfg.max_iters": 8, "default_hooks.checkpoint.interval": 4, "default_hooks.logger.interval": 1,
    }  # fmt: skip
    flags = ["--resume"] if resume else []
    run_tool("train.py", config, "--work-dir", run, *flags, options=options, ranks=ranks, expect=expect)
    return run


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, teacher: Path) -> Path:
    return train(tmp_path_factory.mktemp("unbroken"), teacher, "run")


def test_a_killed_run_ends_as_the_unbroken_one(tmp_path: Path, teacher: Path, unbroken: Path) -> None:
    train(tmp_path, teacher, "run", more=', dict(type="SendSignal", name="SIGKILL", at=6)', expect=-9)
    check_same_end(unbroken, train(tmp_path, teacher, "run", resume=True), iteration=8)


def test_it_begins_as_its_teacher_and_is_told_durations(unbroken: Path, teacher: Path) -> None:
    assert losses(unbroken)[0] < losses(unbroken)[1]  # the first step is at the teacher's velocity: MSE is nothing yet
    first, trained = checkpoints.load(teacher)["state_dict"], checkpoints.load(unbroken / "iter_8.pth")["state_dict"]
    assert set(trained) - set(first) == {
        f"network.duration.mlp.{n}.{kind}" for n in (0, 2) for kind in ("weight", "bias")
    }
    assert trained["network.duration.mlp.2.weight"].abs().max() > 0
    assert not any("teacher" in name for name in trained)


def test_it_restores_without_its_teacher(tmp_path: Path, unbroken: Path) -> None:
    restorer = Restorer.from_pretrained(unbroken / "iter_8.safetensors", device="cpu")
    low = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(0))
    ends = [restorer(low, fidelity=f) for f in (0.0, 0.5, 1.0)]
    assert all(end.shape[-1] == 12 * restorer.scale for end in ends)
    assert not torch.equal(ends[0], ends[1])
    with pytest.raises(ValueError, match="FlowMapEuler steps by a flow map, and this network is a velocity"):
        Restorer.from_pretrained(save_model(tmp_path / "velocity.pth"), device="cpu")(low, solver="FlowMapEuler")


@pytest.mark.slow
def test_two_ranks_are_one(tmp_path: Path, teacher: Path, unbroken: Path) -> None:
    """A forward-mode derivative is taken inside the distributed wrapper, whose gradients are averaged all the same; a
    discriminator is outside of it.
    """
    two = train(tmp_path, teacher, "ranks", ranks=2)
    assert max(abs(a - b) for a, b in zip(losses(unbroken), losses(two), strict=True)) < 1e-5
    name = "network.duration.mlp.2.weight"
    weights = [checkpoints.load(run / "iter_8.pth")["state_dict"][name] for run in (unbroken, two)]
    assert torch.allclose(*weights, atol=1e-4)
    learned = [checkpoints.load(run / "iter_8.pth")["losses"][-1] for run in (unbroken, two)]
    assert [one["batches"] for one in learned] == [8, 8]
    assert torch.allclose(*(one["discriminator"]["layers.0.weight"] for one in learned), atol=1e-4)


def test_what_a_loss_learns_beside_goes_on_and_is_no_part_of_the_model(unbroken: Path) -> None:
    held = checkpoints.load(unbroken / "iter_8.pth")
    assert [list(one) for one in held["losses"]] == [[]] * 4 + [["discriminator", "optimizer", "batches"]]
    assert not any("layers" in name for name in held["state_dict"])
    assert "losses" not in checkpoints.load(unbroken / "iter_8.safetensors")


def test_what_a_loss_needs_is_said(tmp_path: Path) -> None:
    options = small_options(tmp_path)
    for loss, message in (
        ("Shortcut", "error: the loss Shortcut is of flow maps: give model.network flow_map=True"),
        ("Trajectory", "error: the loss Trajectory learns from a trained flow: give model.teacher its weights"),
    ):
        keys = {
            **options,
            "model.loss.type": loss,
            **({"model.network.flow_map": True} if loss == "Trajectory" else {}),
        }
        assert message in run_tool("train.py", TINY, "--work-dir", tmp_path / "run", options=keys, expect=1)
