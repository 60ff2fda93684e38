"""check-plugin: a line a promise, and the exit code."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cfmrestore.apis.check_plugin import check_plugin
from cfmrestore.cli.main import main
from cfmrestore.plugins import VARIABLE, import_plugin
from cfmrestore.registry import COUPLINGS, DEGRADATIONS, NETWORKS, SOLVERS, TRANSFORMS

Run = Callable[..., tuple[Any, str]]

FAULTY = '''
"""Plugins that break their contracts."""

import torch

from cfmrestore.couplings import LowresLatent
from cfmrestore.degradations.base import Fixed
from cfmrestore.networks import Network
from cfmrestore.registry import COUPLINGS, DEGRADATIONS, NETWORKS, SOLVERS, TRANSFORMS
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.solvers import Euler


@DEGRADATIONS.register_module()
class Halved(Fixed):
    """Says nothing of its size, and draws where it must not."""

    def apply(self, image, params):
        return image[..., ::2, ::2] + 0.1 * torch.rand(())


@SOLVERS.register_module()
class Twice(Euler):
    """Asks twice and says once."""

    def __init__(self, *, stages: int) -> None:
        self.stages = stages

    def step(self, v, x, t, h, memory):
        for _ in range(self.stages - 1):
            v(x, t)
        return super().step(v, x, t, h, memory)


@TRANSFORMS.register_module(name="Halved")
class HalvedTransform(Transform):
    def __call__(self, sample, seed):
        return {part: pixels[: len(pixels) // 2] for part, pixels in sample.items()}


@DEGRADATIONS.register_module()
class Unbuildable(Fixed):
    def __init__(self):
        raise RuntimeError("no such device")

    def apply(self, image, params):
        return image


@NETWORKS.register_module()
class Normed(Network):
    def __init__(self, *, channels):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(channels)

    def forward(self, x, t):
        return self.norm(x) * t[:, None, None, None]


@COUPLINGS.register_module()
class Lost(LowresLatent):
    def lifted(self, low, rng, execution):
        return super().lifted(low[..., :0], rng, execution)  # it fails here
'''
NAMES = ((DEGRADATIONS, "Halved"), (DEGRADATIONS, "Unbuildable"), (SOLVERS, "Twice"), (TRANSFORMS, "Halved"),
         (COUPLINGS, "Lost"), (NETWORKS, "Normed"))  # fmt: skip


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.delitem(sys.modules, "faulty", raising=False)
    monkeypatch.setenv(VARIABLE, "")
    yield tmp_path / "faulty.py"
    for registry, name in NAMES:
        registry.module_dict.pop(name, None)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command: its exit code, or message, and what it prints."""

    def run(*words: object) -> tuple[Any, str]:
        try:
            main(["check-plugin", *map(str, words)])
        except SystemExit as stopped:
            return stopped.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def test_a_plugin_that_keeps_its_promises(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_plugin("Heun")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Heun: solver, ")
    assert lines[0].endswith("cfmrestore/solvers/heun.py")
    assert "ok        order: The error falls as h^order, on straight, linear, Gaussian and Riccati flows" in lines[4]
    assert lines[-2].startswith("not checked of any solver: the law of what a stochastic solver draws")
    assert lines[-1] == "7 of 7 promises are kept"


def test_what_is_broken_is_said_with_the_mend(faulty: Path, run: Run) -> None:
    code, said = run("Halved", "--kind", "degradation", "--plugin", faulty)
    assert code == 1
    assert "Halved: degradation, " in said
    assert "broken    size_and_dtype: of a batch 2x3x24x32 apply makes 2x3x12x16, out_size says 2x3x24x32" in said
    assert "          promised: Any size becomes what out_size says" in said
    assert "broken    replay: apply gives other pixels with the same parameters: it draws; draw a seed in" in said
    assert "ok        purity: " in said
    assert "left out  linear: linear is False" in said
    assert "promises are kept; the contract: docs/plugins.md" in said


def test_a_network_that_a_training_would_refuse_or_mislead(faulty: Path, run: Run) -> None:
    code, said = run("Normed", "--plugin", faulty)
    assert code == 1
    assert "broken    images_are_independent: norm normalizes by the batch in training: take GroupNorm" in said
    assert "left out  keywords: the constructor names no context_channels: flows that tell an input, all that" in said


def test_options_go_to_the_constructor(faulty: Path, run: Run) -> None:
    code, said = run("Twice", "--plugin", faulty, "--option", "stages=2")
    assert code == 1
    assert "with stages=2" in said
    assert "2 function evaluations were counted on 1 intervals, 1 are declared (evals_per_step" in said
    code, said = run("Twice", "--option", "stages=1")
    assert "broken    base" not in said
    assert "8 of 8 promises are kept" in said
    code, said = run("Twice")
    assert code == "error: Twice needs 'stages' (keys of the constructor: --option KEY=VALUE)"
    code, said = run("Compose", "--option", 'steps=[{"type": "Clip"}]')
    assert "with steps=[{'type': 'Clip'}]" in said


def test_names_in_two_registries_and_none(faulty: Path, run: Run) -> None:
    run("Halved", "--kind", "transform", "--plugin", faulty)
    assert run("Halved")[0] == "error: Halved is a degradation and a transform: say which, --kind degradation"
    code, _ = run("Halves", "--plugin", faulty)
    assert code.startswith("error: there is no plugin 'Halves'; did you mean 'Halved'? (of your own there are: ")
    assert {"Halved", "Lost", "Normed", "Twice"} <= set(code.rstrip(")").partition("are: ")[2].split(", "))
    assert run("Heum")[0].startswith("error: there is no plugin 'Heum'; did you mean 'Heun'? (of")
    assert run("Heun", "--kind", "grid")[0].startswith("error: there is no grid 'Heun'; known are: CosineGrid")
    assert run("Heun", "--kind", "solvr")[0] == "error: there is no kind of plugin 'solvr'; did you mean 'solver'?"
    assert run("SeededNet", "--kind", "feature-extractor")[0] == 0


def test_a_constructor_that_fails_is_a_promise_broken(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_plugin(str(faulty))
    assert not check_plugin("Unbuildable")
    said = capsys.readouterr().out
    assert "broken    constructor: the constructor fails: RuntimeError: no such device (" in said
    assert "0 of 1 promises are kept" in said


def test_one_failure_is_said_once_with_the_line_of_the_plugin(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_plugin(str(faulty))
    assert not check_plugin("Lost")
    said = capsys.readouterr().out
    line = FAULTY[: FAULTY.index("# it fails here")].count("\n") + 1
    assert said.count("it fails: ") == said.count(f"({faulty}, line {line})") == 1
    assert "broken    images_are_independent: as shapes\n          promised: The start of an image" in said
