"""Iterations whose loss is not finite change nothing, on all ranks together, and are counted across a resume."""

from pathlib import Path

import pytest

from cfmrestore.engine import checkpoints
from tests.integration.test_resume import check_same_end, losses, options, write_config
from tests.testing import run_tool


def spoil(at: list[int], rank: int = 0, more: str = "") -> str:
    return f', dict(type="SpoilLoss", at={at}, rank={rank}){more}'


@pytest.mark.slow
def test_all_ranks_skip_together_and_a_resumed_run_does(tmp_path: Path) -> None:
    """Whichever rank is to blame, the rest of the run is the same."""
    keys = options(tmp_path, 2)
    for rank in (0, 1):
        config = write_config(tmp_path, spoil([4, 5, 12], rank))
        output = run_tool("train.py", config, "--work-dir", tmp_path / f"rank{rank}", options=keys, ranks=2)
        assert "iteration 5 is skipped, 2 in a row: the loss is nan (images" in output
        assert output.count("is skipped") == 3
    check_same_end(tmp_path / "rank0", tmp_path / "rank1", ranks=2)
    assert len(losses(tmp_path / "rank0")) == 20
    config = write_config(tmp_path, spoil([4, 5, 12], more=', dict(type="SendSignal", name="SIGKILL", at=13)'))
    for more, expect in (((), -9), (("--resume",), 0)):
        run_tool("train.py", config, "--work-dir", tmp_path / "run", *more, options=keys, ranks=2, expect=expect)
    check_same_end(tmp_path / "rank0", tmp_path / "run", ranks=2)
    info = checkpoints.load(tmp_path / "run" / "iter_20.pth")["message_hub"]
    assert (info["skipped_steps"], info["skipped_in_row"]) == (3, 0)


@pytest.mark.parametrize("first", [10, 11])
def test_too_many_in_a_row_end_the_run_also_across_a_resume(tmp_path: Path, first: int) -> None:
    config = write_config(tmp_path, spoil([first, first + 1, first + 2]))
    keys = options(tmp_path, **{"train_cfg.max_skipped": 3})
    args = ("train.py", config, "--work-dir", tmp_path / "run")
    run_tool(*args, options={**keys, "train_cfg.max_iters": 10})
    output = run_tool(*args, "--resume", options=keys, expect=1)
    assert f"at iteration {first + 2}, and 3 in a row were so (train_cfg.max_skipped)" in output
    assert "Traceback" not in output
    assert checkpoints.find_latest(tmp_path / "run").name == "iter_10.pth"
