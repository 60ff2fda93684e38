"""Floors, profiles, the pages that are made of them, and the model of many GPUs."""

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from cfmrestore.analysis.benchmarks.all import PARTS
from cfmrestore.analysis.benchmarks.floor import benchmark_floor
from cfmrestore.analysis.benchmarks.layers import layers_of
from cfmrestore.analysis.benchmarks.page import benchmark_page, page_lines
from cfmrestore.analysis.benchmarks.profile import benchmark_profile
from cfmrestore.analysis.benchmarks.sampling import benchmark_sampling
from cfmrestore.analysis.benchmarks.scaling import GPUS, benchmark_scaling, scaling_text
from cfmrestore.analysis.benchmarks.stopwatch import Stopwatch
from cfmrestore.analysis.scaling import Constants, cost
from cfmrestore.cli import benchmark
from tests.testing import ROOT, TINY, small_options

RESULTS = ROOT / "benchmarks" / "results"
SMALL = {"model.network.base_channels": 16, "model.network.channel_factors": (1,)}


def between(page: Path, name: str) -> str:
    return page.read_text().split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->")[0].strip()


def ticking() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 1.0


def test_a_part_is_without_the_parts_within_it() -> None:
    clock = ticking()
    watch = Stopwatch(lambda: next(clock))
    with watch.part("outer"), watch.part("inner"):
        assert watch.inside == "inner"
    assert watch.seconds == {"outer": 2.0, "inner": 1.0}
    layer = nn.Linear(1, 1)
    watch.watch(layer, "forward", "layer")
    with watch.part("outer"):
        layer(torch.ones(1, 1))
    assert watch.seconds == {"outer": 4.0, "inner": 1.0, "layer": 1.0}
    assert [*watch.items(iter("ab"), "data")] == ["a", "b"]
    assert watch.seconds["data"] == 3.0  # the end is looked for, too


def test_layers_are_counted_and_evaluated_alone_forward_and_backward() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1))
    x = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    layers = layers_of(lambda: net(x).square().sum().backward())
    assert sorted(layers.values()) == [1, 1, 2, 2]  # the last two are one layer
    first = 2 * 2 * 4 * 36 * 27
    assert min(layer.operations for layer in layers) == first
    for layer in layers:
        assert layer.call()(0) is not None
    assert "convolution 2x3x8x8 4x3x3x3" in {str(layer) for layer in layers}


def test_the_floor_is_of_all_the_operations(capsys: pytest.CaptureFixture[str]) -> None:
    found = benchmark_floor(ROOT / "configs" / "cfm_x4.py", side=8, batch=2, rounds=1, options=SMALL)
    assert [row["name"] for row in found["rows"]] == [
        "evaluation, fp32, eager", "evaluation, bf16, eager", "training, fp32, eager",
    ]  # fmt: skip
    evaluation, reduced, training = (row["operations"] for row in found["rows"])
    assert evaluation == reduced
    assert 2 * evaluation < training <= 3 * evaluation  # of x itself there is no gradient
    assert all(row["floor"] > 0 and len(row["dearest"]) == 5 for row in found["rows"])
    assert "its layers alone, ms" in capsys.readouterr().out
    with pytest.raises(ValueError, match="'fp8' is unknown"):
        benchmark_floor("configs/cfm_x4.py", precisions=("fp8",))


def test_little_is_called_between_the_evaluations_of_a_sampling() -> None:
    found = benchmark_sampling(ROOT / "configs" / "cfm_x4.py", side=8, rounds=1, options=SMALL)
    assert found["evaluations"] == 20
    assert found["operators"]["outside"] <= 10 * 20
    assert found["readings"] == 3  # the grid is checked once
    assert 0 < found["share_outside"] < 1


def test_a_profile_names_the_parts_of_training_and_sampling(tmp_path: Path) -> None:
    found = benchmark_profile(
        TINY, iterations=2, work_dir=str(tmp_path), options=small_options(tmp_path), out=str(tmp_path / "found.json")
    )
    assert found["training"]["parts"].keys() == {
        "data", "degradation", "encoder", "network forward", "backward", "optimizer", "moving average",
        "logging and other hooks", "path, loss and loop",
    }  # fmt: skip
    assert found["sampling"]["parts"].keys() == {"encoder", "network forward", "solver and start"}
    for kind in ("training", "sampling"):
        assert len(found[kind]["operators"]) == 5
        assert sum(found[kind]["parts"].values()) == pytest.approx(found[kind]["milliseconds"])
    assert (tmp_path / "found.json").is_file()


def test_the_command_knows_all_parts_and_the_results_hold_them() -> None:
    parser = argparse.ArgumentParser()
    benchmark._add_all(parser)
    assert next(one.choices for one in parser._actions if one.dest == "only") == PARTS
    assert set(PARTS) <= json.loads((RESULTS / "cpu.json").read_text()).keys()


def test_the_page_is_made_of_its_results(tmp_path: Path) -> None:
    results = RESULTS / "cpu.json"
    assert (
        between(ROOT / "docs" / "speed.md", "speed") == "\n".join(page_lines(json.loads(results.read_text()))).strip()
    )
    page = tmp_path / "page.md"
    page.write_text("<!-- speed: begin -->\n<!-- speed: end -->\n")
    assert benchmark_page(results, page).strip() == between(page, "speed")


def test_the_table_of_many_gpus_is_what_the_model_says(tmp_path: Path) -> None:
    assert between(ROOT / "docs" / "scaling.md", "scaling") == scaling_text([cost(n) for n in GPUS]).strip()
    rows = benchmark_scaling([1, 64], picture=str(tmp_path / "a.png"), out=str(tmp_path / "a.json"))
    assert json.loads((tmp_path / "a.json").read_text()) == rows
    assert (tmp_path / "a.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="one GPU or more; got 0"):
        benchmark_scaling([0])


def test_the_measured_step_is_that_of_the_results() -> None:
    rows = json.loads((RESULTS / "h100_unet-305m.json").read_text())["training"]
    (found,) = (row["milliseconds"][1] for row in rows if row["batch"] == 8 and row["precision"] == "bf16")
    assert Constants().step == pytest.approx(found / 1e3, rel=5e-3)


def test_the_model_of_many_gpus() -> None:
    costs = [cost(2**power) for power in range(11)]
    assert costs[0].gradients == 0
    assert costs[0].efficiency > 0.999
    assert all(a.efficiency > b.efficiency and a.latents < b.latents for a, b in pairwise(costs))
    many, k = costs[-1], Constants()
    writing, failures = k.state * k.parameters / k.writing, k.between_failures * 3600 / many.gpus
    for interval in (0.8 * many.interval, 1.25 * many.interval):  # least is lost at the interval of the model
        assert writing / interval + (interval / 2 + k.restart) / failures > many.lost
    slow = cost(8, Constants(reading=1e8))
    assert slow.reading == pytest.approx(1e8)  # a step waits for its data
