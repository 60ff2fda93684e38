"""The runner: its private attributes are its own."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from cfmrestore.engine.runner import RestorationRunner
from tests.testing import ROOT

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


def test_a_schedule_that_ends_before_it_begins_is_named() -> None:
    schedules = [{"type": "LinearLR", "end": 100}, {"type": "CosineAnnealingLR", "begin": 100, "end": 5}]
    with pytest.raises(ValueError, match=r"param_scheduler\.1 goes from iteration 100 to 5: for so few iterations"):
        RestorationRunner.build_param_scheduler(object.__new__(RestorationRunner), schedules)
