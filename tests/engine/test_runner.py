"""The runner: its private attributes are its own."""

import ast
import re
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import torch
from mmengine.optim import OptimWrapper

from cfmrestore.apis import load_config
from cfmrestore.apis.train import train
from cfmrestore.configs_folder import recipes
from cfmrestore.engine import checkpoints
from cfmrestore.engine.hooks.checkpoint_hook import CheckpointHook
from cfmrestore.engine.runner import RestorationRunner
from tests.testing import ROOT, TINY, small_options

OWNERS = {"runner", "loop", "train_loop", "val_loop", "test_loop", "optim_wrapper"}


def private_accesses(sources: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Where code reaches for a private attribute of a runner, a loop or an optimizer wrapper."""
    for name, source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                owner = ast.unparse(node.value).split(".")[-1]
                if owner in OWNERS:
                    yield f"{name}:{node.lineno} {ast.unparse(node)}"


def test_nobody_reaches_into_the_runner() -> None:
    paths = [*(ROOT / "cfmrestore").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    assert list(private_accesses((str(path), path.read_text()) for path in paths)) == []


@pytest.mark.parametrize("mutant", ["runner._test_loop = {}", "self.runner.train_loop._iter = 3", "x = loop._epoch"])
def test_the_search_finds_its_mutants(mutant: str) -> None:
    assert len(list(private_accesses([("mutant", mutant)]))) == 1


def test_a_schedule_that_ends_before_it_begins() -> None:
    schedules = [{"type": "LinearLR", "end": 100}, {"type": "CosineAnnealingLR", "begin": 100, "end": 5}]
    runner = object.__new__(RestorationRunner)
    runner.cfg = {"train_cfg": {"max_iters": 200}}
    with pytest.raises(ValueError, match=r"param_scheduler\.1 goes from iteration 100 to 5: set its begin and end"):
        runner.build_param_scheduler(schedules)


def test_every_config_builds_its_schedules_for_a_short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RestorationRunner, "train_dataloader", [None])
    monkeypatch.setattr(RestorationRunner, "_train_loop", None, raising=False)
    trained = set()
    for name in (name for name in recipes() if not name.startswith("cfmrestore::study/")):
        cfg = load_config(name, {"train_cfg.max_iters": 20})
        if "train_dataloader" not in cfg:
            continue
        runner, weight = object.__new__(RestorationRunner), torch.nn.Parameter(torch.ones(1))
        weight.grad = torch.zeros(1)
        runner.cfg, rate = cfg, cfg.optim_wrapper.optimizer.lr
        runner.optim_wrapper = OptimWrapper(torch.optim.SGD([weight], lr=rate))
        schedules = runner.build_param_scheduler(cfg.param_scheduler) if cfg.get("param_scheduler") else []
        for _ in range(20):
            runner.optim_wrapper.optimizer.step()
            for schedule in schedules:
                schedule.step()
            assert 0 <= runner.optim_wrapper.optimizer.param_groups[0]["lr"] <= 1.001 * rate, name
        trained.add(name)
    assert len(trained) > 50


@pytest.mark.parametrize("iterations", [1, 5, 20])
def test_short_runs_train_with_the_schedules_of_long_ones(iterations: int, tmp_path: Path) -> None:
    """A schedule whose turn does not come changes nothing."""
    keys = {**small_options(tmp_path), "train_cfg.max_iters": iterations, "param_scheduler.0.end": 20}
    keys |= {"param_scheduler.1.begin": 20}
    train(TINY, work_dir=str(tmp_path), validate=False, options=keys)
    rate = checkpoints.load(tmp_path / f"iter_{iterations}.pth")["optimizer"]["param_groups"][0]["lr"]
    assert rate == pytest.approx(1e-3 * (0.01 + 0.99 * min(iterations, 19) / 19), rel=0.01)
    train(TINY, work_dir=str(tmp_path), validate=False, resume="auto", options={**keys, "train_cfg.max_iters": 24})
    assert (tmp_path / "iter_24.pth").is_file()


def test_a_training_that_raises_gives_the_signals_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    def fail(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(CheckpointHook, "save", fail)
    keys = {**small_options(tmp_path), "train_cfg.max_iters": 1}
    with pytest.raises(OSError, match="No space left"):
        train(TINY, work_dir=str(tmp_path), validate=False, options=keys)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_training_says_on_how_much(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = {**small_options(tmp_path), "train_cfg.max_iters": 1, "train_cfg.val_interval": 1}
    train(TINY, work_dir=str(tmp_path), options=keys)
    said = capsys.readouterr().out
    assert re.search(r"training on \d+ images of \S+\n", said)
    assert re.search(r"validation on 6 images of \S+\n", said)
    assert "SyncBatchNorm" not in said  # which mmengine says at every start
    assert "SyncBatchNorm" in next(tmp_path.glob("*/*.log")).read_text()
    assert said.count("saved ") == 1


def test_a_folder_that_is_missing_is_said_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys, low = small_options(tmp_path), str(tmp_path / "low")
    pairs = {"type": "PairedFolder", "high_root": keys["data_root"], "low_root": low}
    keys["train_dataloader.dataset"] = {"_delete_": True, "type": "Mixture", "datasets": [pairs]}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last_checkpoint").write_text("iter_1.pth")
    with pytest.raises(ValueError, match=f"^there is no folder '{low}': name a folder of data$"):
        train(TINY, work_dir=str(tmp_path / "run"), options=keys)
    assert capsys.readouterr() == ("", "")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["last_checkpoint"]


def test_two_runs_of_one_second_have_a_log_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "strftime", lambda *args: "20261126_125657")
    for name in "ab":
        keys = {**small_options(tmp_path), "train_cfg.max_iters": 1, "train_cfg.val_interval": 1}
        train(TINY, work_dir=str(tmp_path / name), options=keys)
    logs = sorted(path.relative_to(tmp_path).parts[:2] for path in tmp_path.glob("*/*/vis_data/scalars.json"))
    assert logs == [("a", "20261126_125657"), ("b", "20261126_125657_2")]


def test_workers_that_are_started_anew(tmp_path: Path) -> None:
    """As on Windows and macOS, where a data set is pickled for them."""
    keys = small_options(tmp_path, **{"train_cfg.max_iters": 2, "train_dataloader.num_workers": 1})
    keys |= {"train_dataloader.multiprocessing_context": "spawn", "train_dataloader.dataset.cache_images": 4}
    train(TINY, work_dir=str(tmp_path), validate=False, options=keys)
    assert checkpoints.load(tmp_path / "iter_2.pth")["meta"]["iter"] == 2


def test_rates_of_parameters_by_their_names(tmp_path: Path) -> None:
    """mmengine's paramwise_cfg."""
    keys = small_options(tmp_path, **{"train_cfg.max_iters": 1, "param_scheduler": None})
    keys["optim_wrapper.paramwise_cfg"] = {"custom_keys": {"stem": {"lr_mult": 10}}}
    train(TINY, work_dir=str(tmp_path), validate=False, options=keys)
    groups = checkpoints.load(tmp_path / "iter_1.pth")["optimizer"]["param_groups"]
    assert sorted({group["lr"] for group in groups}) == pytest.approx([1e-3, 1e-2])
    with pytest.raises(ValueError, match="OptimWrapper has no key 'paramwise'; known are"):
        train(TINY, work_dir=str(tmp_path), options={**keys, "optim_wrapper.paramwise": {}})
