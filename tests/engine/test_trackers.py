"""Trackers by a word: the packages of which here are small ones that note their calls."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from mmengine.config import Config

from cfmrestore.apis.train import train
from cfmrestore.engine import trackers
from cfmrestore.engine.trackers import add_trackers, leave_out_trackers
from cfmrestore.engine.trackers.mlflow import _allowed
from tests.testing import TINY, small_options

WANDB = """
calls = []

class Image:
    def __init__(self, image):
        self.shape = image.shape

class Run:
    config = type("Config", (), {"update": lambda self, config, **keys: calls.append(["config", sorted(config)])})()
    def define_metric(self, name, **keys):
        calls.append(["define_metric", name, keys])
    def log(self, row):
        calls.append(["log", {k: v.shape if isinstance(v, Image) else v for k, v in row.items()}])
    def finish(self):
        calls.append(["finish"])

def init(**keys):
    calls.append(["init", keys])
    return Run()
"""

MLFLOW = """
calls = []

def __getattr__(name):
    def call(*args, **keys):
        if name == "log_image":
            args = (args[0].shape, *args[1:])
        calls.append([name, *args, keys])
    return call
"""


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of both packages, in front of any that is installed."""
    for name, text in (("wandb", WANDB), ("mlflow", MLFLOW)):
        (tmp_path / "stubs" / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "stubs" / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path / "stubs")
    yield tmp_path
    for name in ("wandb", "mlflow"):
        sys.modules.pop(name, None)


def test_a_training_is_told_to_both(stubs: Path) -> None:
    named = [{"type": "WandbVisBackend", "init_kwargs": {"project": "flows"}}, "mlflow"]
    keys = {**small_options(stubs), "trackers": named, "train_cfg.max_iters": 2, "train_cfg.val_interval": 2}
    train(TINY, work_dir=str(stubs / "run"), options=keys)
    rows = [json.loads(line) for path in stubs.glob("run/*/vis_data/scalars.json") for line in path.open()]
    losses = {row["step"]: row["loss"] for row in rows if "loss" in row}
    assert list(losses) == [1, 2]

    calls = sys.modules["wandb"].calls
    assert calls[0][0] == "init"
    assert calls[0][1]["project"] == "flows"
    assert ["define_metric", "*", {"step_metric": "iteration"}] in calls
    (config,) = [call[1] for call in calls if call[0] == "config"]
    assert {"model", "optim_wrapper"} < set(config)
    logged = [call[1] for call in calls if call[0] == "log"]
    assert {row["iteration"]: row["loss"] for row in logged if "loss" in row} == losses
    assert [row["iteration"] for row in logged if "PSNR" in row] == [2]
    assert [row["iteration"] for row in logged if "samples" in row] == [2]
    assert calls[-1] == ["finish"]

    calls = sys.modules["mlflow"].calls
    assert ["set_experiment", "cfmrestore", {}] in calls
    metrics = [(call[1], call[2]["step"]) for call in calls if call[0] == "log_metrics"]
    assert {step: row["loss"] for row, step in metrics if "loss" in row} == losses
    (scores,) = [row for row, step in metrics if "PSNR" in row and step == 2]
    assert "bicubic/PSNR" in scores
    parameters = {key: value for call in calls if call[0] == "log_params" for key, value in call[1].items()}
    assert parameters["optim_wrapper.optimizer.lr"] == "0.001"
    assert max(len(call[1]) for call in calls if call[0] == "log_params") <= 100
    assert [call[2] for call in calls if call[0] == "log_image"] == ["samples/0000002.png"]
    assert calls[-1] == ["end_run", {}]


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_package_that_is_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda package: None)
    with pytest.raises(ValueError, match=rf"{name} is not installed: pip install 'cfmrestore\[{name}\]'"):
        train(TINY, work_dir=str(tmp_path), options={**small_options(tmp_path), "trackers": [name]})
    assert list(tmp_path.glob("iter_*")) == []


@pytest.mark.skipif(find_spec("wandb") is not None, reason="W&B is installed")
def test_a_folder_of_results_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="wandb is not installed"):
        add_trackers(Config({"trackers": ["wandb"]}))


def test_without_tensorboard_its_files_are_left_out_aloud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def kinds() -> list[str]:
        cfg = Config({"trackers": ["tensorboard"], "visualizer": {"vis_backends": [{"type": "LocalVisBackend"}]}})
        add_trackers(cfg)
        return [backend["type"] for backend in cfg.visualizer.vis_backends]

    assert kinds() == ["LocalVisBackend", "TensorboardVisBackend"]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    assert kinds() == ["LocalVisBackend"]
    assert "pip install 'cfmrestore[tensorboard]'" in capsys.readouterr().err


def test_names_are_checked_and_backends_added_once(stubs: Path) -> None:
    with pytest.raises(ValueError, match="trackers: there is no 'wanb'; did you mean 'wandb'"):
        add_trackers(Config({"trackers": ["wanb"]}))
    cfg = Config({"trackers": ["wandb"], "visualizer": {"type": "Visualizer", "vis_backends": []}})
    for _ in range(2):
        add_trackers(cfg)
    assert [dict(backend) for backend in cfg.visualizer.vis_backends] == [{"type": "WandbVisBackend"}]
    leave_out_trackers(cfg)
    assert cfg.visualizer.vis_backends == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("PSNR", "PSNR"), ("FD (DigitClassifier)", "FD/DigitClassifier"), ("a@b", "a_b"), ("x/y-1.5", "x/y-1.5")],
)
def test_the_names_that_mlflow_allows(name: str, allowed: str) -> None:
    assert _allowed(name) == allowed
