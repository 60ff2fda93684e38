"""Ending a training that has stopped to improve."""

import logging
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from mmengine.logging import MessageHub

from cfmrestore.engine.hooks import CheckpointHook, EarlyStoppingHook
from tests.testing import ROOT, run_tool, small_options

TINY = "configs/cfm_realsr_tiny.py"


def run(hook: EarlyStoppingHook, scores: list[float], hub: MessageHub) -> tuple[int, list[int]]:
    """After how many evaluations it ended, -1 for never, and where it saved."""
    saved = mock.create_autospec(CheckpointHook, instance=True)
    loop = SimpleNamespace(stop_training=False)
    log = logging.getLogger("test")
    runner: Any = SimpleNamespace(message_hub=hub, logger=log, train_loop=loop, val_loop=None, hooks=[saved])
    hook.before_train(runner)
    count = 0
    while not loop.stop_training and count < len(scores):
        runner.iter = 100 * (count + 1)
        hook.after_val_epoch(runner, {"FD": scores[count]})
        count += 1
    return (count if loop.stop_training else -1), [call.args[1] for call in saved.save.call_args_list]


@pytest.fixture
def hub() -> MessageHub:
    return MessageHub(f"early {id(object())}")


def test_it_ends_after_so_many_evaluations_without_a_better_value(hub: MessageHub) -> None:
    hook = EarlyStoppingHook(monitor="FD", rule="less", patience=2)
    assert run(hook, [3.0, 2.0, 2.5, 1.9, 1.9, math.nan, 1.0], hub) == (6, [600])
    assert run(hook, [1.0], hub) == (0, [])  # stays ended


def test_a_greater_value_by_a_margin(hub: MessageHub) -> None:
    hook = EarlyStoppingHook(monitor="FD", rule="greater", patience=2, min_delta=0.5)
    assert run(hook, [1.0, 1.4, 1.6, 1.7, 2.2, 2.8], hub) == (-1, [])


def test_a_resumed_run_counts_on(hub: MessageHub) -> None:
    hook = EarlyStoppingHook(monitor="FD", rule="less", patience=3)
    assert run(hook, [1.0, 2.0, 2.0], hub) == (-1, [])
    again = MessageHub(f"again {id(hub)}")
    again.load_state_dict(hub.state_dict())
    assert run(EarlyStoppingHook(monitor="FD", rule="less", patience=3), [2.0, 0.5], again)[0] == 1


def test_a_training_ends_with_a_checkpoint(tmp_path: Path) -> None:
    config = tmp_path / "stops.py"
    hook = {"type": "EarlyStoppingHook", "monitor": "PSNR", "min_delta": 1000, "patience": 2}
    config.write_text(f"_base_ = {str(ROOT / TINY)!r}\ncustom_hooks = [dict(type='EMAHook', decay=0.9), {hook}]\n")
    options = small_options(tmp_path, **{"train_cfg.val_interval": 1, "default_hooks.checkpoint.interval": 100})
    run_tool("train.py", config, "--work-dir", tmp_path / "run", options=options)
    assert [path.name for path in (tmp_path / "run").glob("iter_*.pth")] == ["iter_3.pth"]
    run_tool("train.py", config, "--work-dir", tmp_path / "run", "--resume", options=options)
    assert [path.name for path in (tmp_path / "run").glob("iter_*.pth")] == ["iter_3.pth"]


def test_mistakes_are_named(hub: MessageHub) -> None:
    with pytest.raises(ValueError, match="monitor='PSNR' is not measured"):
        run(EarlyStoppingHook(monitor="PSNR"), [1.0], hub)
    with pytest.raises(ValueError, match="patience 1 or more"):
        EarlyStoppingHook(monitor="FD", patience=0)
