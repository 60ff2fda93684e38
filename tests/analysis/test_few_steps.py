"""From a checkpoint to its few-step sibling, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch

from cfmrestore.analysis.few_steps import few_steps
from cfmrestore.apis import load_config
from cfmrestore.apis.train import train
from cfmrestore.engine import checkpoints
from cfmrestore.engine.config.embedded import embedded_config
from cfmrestore.engine.config.few_steps import few_step_config
from cfmrestore.restore import stages
from tests.testing import ROOT, TINY, call_tool, small_options

DIGITS = ROOT / "configs" / "lfm" / "digits_unet.py"
SMALL = {
    "model.network.base_channels": 8, "model.network.heads": 1, "model.network.head_dim": 8, "model.network.groups": 4,
    "model.conditions.0.channels": 8, "train_dataloader.batch_size": 8, "train_cfg.max_iters": 3,
    "param_scheduler.0.end": 1, "param_scheduler.1.begin": 1, "test_dataloader.batch_size": 301,
    "test_evaluator": [{"type": "FID", "features": "SeededNet"}, {"type": "NFE"}], "model.sampling.num_intervals": 2,
    "model.sampling.guidance": 1.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of a flow that was trained a little."""
    folder = tmp_path_factory.mktemp("digits")
    train(DIGITS, work_dir=str(folder), options=SMALL)
    return folder


@pytest.mark.slow
def test_a_generation(digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    rows = few_steps(digits, 2, tmp_path / "few", loss="rcgm", iterations=3, starts=10)
    assert [(row.name, row.nfe) for row in rows] == [("teacher", 4), ("teacher, Euler at 2", 2), ("student", 2)]
    assert [*rows[0].metrics] == [*rows[2].metrics] == ["FD (SeededNet)"], rows
    assert len({row.distance for row in rows}) == 3
    assert "It worked if the student is clearly closer" in capsys.readouterr().out
    said = load_config(tmp_path / "few" / "few_steps.py")
    assert said.model.teacher.guidance == {"ClassLabel": 1.1}
    assert said.model.conditions[0].dropout == 0
    assert said.optim_wrapper.optimizer.lr == 3e-4
    with pytest.raises(ValueError, match=r"iter_3\.pth is of a run before: another --out keeps both apart"):
        few_steps(digits, 1, tmp_path / "few")
    assert load_config(tmp_path / "few" / "few_steps.py").model.sampling.num_intervals == 2
    student = stages.load_stages(tmp_path / "few")[0].flow
    assert student.network.flow_map
    assert student.sampling.nfe == 2
    again = tmp_path / "again"
    train(tmp_path / "few" / "few_steps.py", work_dir=str(again))
    first, second = (checkpoints.load(stages.find_model(place))["state_dict"] for place in (tmp_path / "few", again))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    third = few_steps(tmp_path / "few", 1, tmp_path / "third", iterations=2, starts=10)
    assert [row.nfe for row in third] == [2, 1, 1]  # it teaches by its velocity


@pytest.mark.slow
def test_a_restoration_whose_data_moved(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    options = small_options(tmp_path, **{"train_cfg.max_iters": 3})
    train(TINY, work_dir=str(tmp_path / "flow"), options=options, validate=False)
    (tmp_path / "images").rename(tmp_path / "moved")
    with pytest.raises(ValueError, match="give its folder, --data FOLDER"):
        few_steps(tmp_path / "flow", 1, tmp_path / "few", iterations=2)
    moved = str(tmp_path / "moved")
    rows = few_steps(tmp_path / "flow", 1, tmp_path / "few", iterations=2, data=moved, loss="trajectory", starts=3)
    assert [row.nfe for row in rows][1:] == [1, 1]
    assert "PSNR" in rows[2].metrics
    assert "measuring on 2 starts: 64 intervals of the teacher" in capsys.readouterr().err
    said = load_config(tmp_path / "few" / "few_steps.py")
    assert (said.train_dataloader.dataset.split, said.test_dataloader.dataset.split) == ("train", "held_out")
    assert {said.data_root, said.val_root, said.test_dataloader.dataset.data_root} == {moved}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"evaluations": 0}, "evaluations and iterations are 1 or more; got 0"),
        ({"iterations": 0}, "got 2 and 0"),
        ({"loss": "distill"}, "loss is one of shortcut, rcgm, mean_flow, trajectory; got 'distill'"),
        ({"data": "elsewhere"}, "trained on Digits, which takes no folder"),
    ],
)
def test_what_is_refused(keys: dict[str, Any], message: str) -> None:
    given = {"evaluations": 2, "loss": "shortcut", "iterations": 5, **keys}
    with pytest.raises(ValueError, match=message):
        few_step_config(load_config(DIGITS), Path("flow.safetensors"), **given)


def test_the_bundled_models_card_names_its_config(tmp_path: Path) -> None:
    assert "give its folder, --data FOLDER" in call_tool(
        "few_steps.py", "cfm-x4", "--evaluations", 2, "--out", tmp_path / "few"
    )


def test_by_differences_in_full_precision() -> None:
    cfg = load_config(ROOT / "configs" / "cfm_unet-1.6m_x4.py")
    cfg.train_dataloader.dataset = {"type": "Digits"}  # data that is there
    kinds = {
        loss: few_step_config(cfg, Path("f.safetensors"), evaluations=3, loss=loss, iterations=5)
        for loss in ("shortcut", "rcgm")
    }
    assert [cfg.optim_wrapper.type for cfg in kinds.values()] == ["AmpOptimWrapper", "OptimWrapper"]
    assert kinds["rcgm"].model.loss[1].intervals == [1, 2, 3, 4]
    assert cfg.model.loss.type == "MSE"


def test_a_config_in_a_checkpoint_is_data(tmp_path: Path) -> None:
    def held(text: str) -> Any:
        checkpoints.save({"meta": {"cfg": text}, "state_dict": {}}, tmp_path / "c.pth")
        return embedded_config(tmp_path / "c.pth")

    assert held("scale = 4\nmodel = dict(a=[-1.5, (1, None)], b=dict({'x.y': True}))").model == {
        "a": [-1.5, (1, None)],
        "b": {"x.y": True},
    }
    for text, message in (
        ("a = __import__('os').getcwd()", "is no list of values"),
        ("import os", "is no list of values"),
        ("a = dict(type='os.system')", "names 'os.system', which is no plugin"),
        ("a = dict(type='Linear', _scope_='torch')", "which is no plugin"),
        ("custom_imports = dict(imports=['antigravity'])", "imports modules of its own"),
        ("model = dict(type='CouplingFlw')", "did you mean 'CouplingFlow'"),
    ):
        with pytest.raises(ValueError, match=message):
            held(text)
    assert embedded_config(ROOT / "cfmrestore" / "weights" / "cfm-x4.safetensors") is None
