"""Which weights are kept as the best."""

import logging
import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cfmrestore.apis.train import train
from cfmrestore.engine.hooks import CheckpointHook, EarlyStoppingHook
from cfmrestore.engine.hooks.direction import rule_of
from cfmrestore.evaluation.metrics import NIQE, PSNR
from tests.testing import TINY, small_options


class Hub:
    """mmengine's message hub, as far as the hook asks."""

    def __init__(self, **info: Any) -> None:
        self.runtime_info = info

    def update_info(self, key: str, value: Any) -> None:
        self.runtime_info[key] = value


def kept(scores: list[float], folder: Path, rule: str = "greater", **info: Any) -> tuple[Any, list[str]]:
    """The best score after these evaluations, and the files that were written on the way."""
    hub, saved = Hub(**info), []
    runner = SimpleNamespace(message_hub=hub, work_dir=str(folder), logger=logging.getLogger("test"), iter=0)
    runner.save_checkpoint = lambda work_dir, name, **keys: saved.append(name)
    hook = CheckpointHook(save_best="PSNR", rule=rule)
    for number, score in enumerate(scores):
        runner.iter = number
        hook.after_val_epoch(runner, {"PSNR": score})
    return hub.runtime_info.get("best_score"), saved


@pytest.mark.parametrize(
    ("scores", "rule", "best", "numbers"),
    [
        ([20.0, math.nan, 19.0], "greater", 20.0, [0]),
        ([math.nan, 20.0, math.nan, 21.0], "greater", 21.0, [1, 3]),
        ([2.0, math.nan, 1.0], "less", 1.0, [0, 2]),
        ([math.nan], "greater", None, []),
    ],
)
def test_a_nan_is_never_the_best(
    scores: list[float], rule: str, best: float | None, numbers: list[int], tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    with caplog.at_level(logging.WARNING, "test"):
        assert kept(scores, tmp_path, rule) == (best, [f"best_PSNR_iter_{n}.pth" for n in numbers])
    assert caplog.text.count("PSNR is NaN at iteration") == sum(map(math.isnan, scores))


def test_a_file_that_is_written_again_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hub = Hub()
    runner = SimpleNamespace(message_hub=hub, work_dir=str(tmp_path), logger=logging.getLogger("test"))
    runner.save_checkpoint = lambda work_dir, name, **keys: Path(work_dir) / name
    with caplog.at_level(logging.INFO, "test"):
        for runner.iter in (3, 7):
            CheckpointHook(interval=4).after_train_iter(SimpleNamespace(**vars(runner), max_iters=8), 0)
            runner.iter += 1
            CheckpointHook(save_best=None).after_val_epoch(runner, {})
    assert [record.getMessage() for record in caplog.records] == [f"saved {tmp_path / f'iter_{n}.pth'}" for n in (4, 8)]


def test_a_nan_that_was_kept_before_gives_way(tmp_path: Path) -> None:
    assert kept([20.0], tmp_path, best_score=math.nan)[0] == 20.0


def validating(*metrics: Any) -> Any:
    return SimpleNamespace(val_loop=SimpleNamespace(evaluator=SimpleNamespace(metrics=metrics)))


def test_the_metric_says_what_is_better() -> None:
    runner = validating(NIQE(), PSNR())
    assert rule_of(runner, "NIQE", None) == "less"
    assert rule_of(runner, "bicubic/PSNR", None) == rule_of(runner, "PSNR", "greater") == "greater"
    with pytest.raises(ValueError, match="rule='greater' would keep the worst 'NIQE': say rule='less'"):
        rule_of(runner, "NIQE", "greater")
    with pytest.raises(
        ValueError, match="'foreign' is not measured; the validation gives NIQE, PSNR: add it to val_ev"
    ):
        rule_of(runner, "foreign", "less")
    theirs = validating(PSNR(), object())  # another package's, whose columns nobody knows before
    with pytest.raises(ValueError, match="whether more of 'foreign' is better, no metric says"):
        rule_of(theirs, "foreign", None)
    assert rule_of(theirs, "foreign", "less") == "less"
    with pytest.raises(ValueError, match="the best weights are those by one metric"):
        rule_of(runner, ["PSNR", "NIQE"], None)
    for hook in (partial(CheckpointHook, save_best="PSNR"), partial(EarlyStoppingHook, monitor="PSNR")):
        with pytest.raises(ValueError, match="rule is 'greater' or 'less', or left to the metric; got 'more'"):
            hook(rule="more")


def test_a_rule_that_keeps_the_worst_ends_a_run_before_it_begins(tmp_path: Path) -> None:
    keys = small_options(tmp_path, **{"default_hooks.checkpoint.save_best": "PSNR"})
    with pytest.raises(ValueError, match="rule='less' would keep the worst 'PSNR'"):
        train(TINY, work_dir=str(tmp_path), options={**keys, "default_hooks.checkpoint.rule": "less"})
