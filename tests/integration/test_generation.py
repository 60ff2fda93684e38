"""tools/test.py on models that generate."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore.apis.feature_statistics import feature_statistics
from cfmrestore.datasets import Digits
from cfmrestore.reports import results
from tests.restore.flows import config_of, save_model
from tests.testing import ROOT, run_tool

MODEL = {
    "coupling": {"type": "Independent"},
    "conditions": [{"type": "ClassLabel", "classes": 10, "channels": 8, "dropout": 0.1}],
    "scale": 1,
    "image_size": 8,
}
LOADER = "dict(batch_size=7, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), dataset={dataset})"
REQUESTS = {"type": "GenerationRequests", "count": 67, "size": 8, "classes": 10}
DIGITS = {"type": "Digits", "split": "held_out"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and statistics of real digits."""
    folder = tmp_path_factory.mktemp("generation")
    save_model(folder / "model.pth", **MODEL)
    (folder / "real").mkdir()
    data = Digits()
    for index in range(70):
        Image.fromarray(data.parts(index, 0)["high"]).save(folder / "real" / f"{index:05d}_{data.label(index)}.png")
    feature_statistics(folder / "real", folder / "real.safetensors", features="SeededNet")
    return folder


def config(folder: Path, dataset: dict, **keys: object) -> Path:
    """A config that only tests."""
    accuracy = {"type": "ClassAccuracy", "features": "SeededNet"}
    distance = {"type": "FID", "features": "SeededNet", **keys}
    text = f"""_base_ = {str(ROOT / "configs" / "_base_" / "default_runtime.py")!r}
model = {config_of(**MODEL)!r}
test_dataloader = {LOADER.format(dataset=dataset)}
test_cfg = dict()
test_evaluator = [{accuracy!r}, {distance!r}, dict(type="NFE")]
"""
    file = folder / f"{dataset['type']}_{dataset.get('count', '')}.py"
    file.write_text(text)
    return file


@pytest.mark.slow
def test_requests_against_a_reference_on_one_rank_and_two(folder: Path) -> None:
    """67 pictures do not divide by two ranks, so a sampler repeats one; batches are of other pictures."""
    file, found = config(folder, REQUESTS, reference=str(folder / "real.safetensors")), []
    for ranks in (0, 2):
        args = ["--work-dir", folder / "run", "--out", folder / f"{ranks}.json"]
        shown = [] if ranks else ["--show-dir", folder / "shown", "--report", folder / "page.html"]
        run_tool("test.py", file, folder / "model.pth", *args, *shown, ranks=ranks)
        found.append(results.read_result(folder / f"{ranks}.json")["benchmarks"]["GenerationRequests"])
    one, two = found
    assert one["rows"].keys() == {"restored"}
    assert one["rows"]["restored"].keys() == {"ClassAccuracy (SeededNet)", "FD (SeededNet)", "NFE"}
    assert one["rows"]["restored"] == pytest.approx(two["rows"]["restored"], rel=1e-4)
    assert one["images"] == two["images"] == [f"{index:05d}" for index in range(67)]
    assert one["values"] == two["values"]
    assert len(list((folder / "shown").glob("*.png"))) == 68
    assert "GenerationRequests" in (folder / "page.html").read_text()
    assert len({path.read_bytes() for path in (folder / "shown").glob("0*.png")}) == 67


def test_digits_of_the_classes_of_those_that_are_held_out(folder: Path) -> None:
    file = config(folder, DIGITS, baseline={"type": "Digits", "split": "train"})
    args = ["--work-dir", folder / "run", "--out", folder / "digits.json"]
    run_tool("test.py", file, folder / "model.pth", *args)
    result = json.loads((folder / "digits.json").read_text())["benchmarks"]["Digits held_out"]
    rows = result["rows"]
    assert rows.keys() == {"restored", "encoder", "target", "real"}
    assert rows["real"]["FD (SeededNet)"] < 0.5 * rows["restored"]["FD (SeededNet)"]
    assert rows["encoder"]["FD (SeededNet)"] == pytest.approx(0, abs=1e-6)
    assert len(result["images"]) == 602
    assert np.mean(result["values"]["target"]["ClassAccuracy (SeededNet)"]) == pytest.approx(
        rows["target"]["ClassAccuracy (SeededNet)"]
    )


@pytest.mark.parametrize("dataset", [{**REQUESTS, "count": 67}, DIGITS], ids=["requests", "digits"])
def test_a_sweep_of_what_generates(folder: Path, tmp_path: Path, dataset: dict) -> None:
    file = config(folder, dataset, reference=str(folder / "real.safetensors"))
    args = ["--solvers", "Euler", "--intervals", 1, 2, "--seeds", 0, 1, "--work-dir", folder / "run", "--out", tmp_path]
    assert "straightness" in run_tool("sweep.py", file, folder / "model.pth", *args)
    rows = list(csv.DictReader((tmp_path / "sweep.csv").open()))
    assert [float(row["NFE"]) for row in rows] == [1, 1, 2, 2]
    assert len({row["FD (SeededNet)"] for row in rows}) == 4


def test_too_few_pictures_are_refused_before_any_is_drawn(folder: Path) -> None:
    file = config(folder, {**REQUESTS, "count": 64}, reference=str(folder / "real.safetensors"))
    told = run_tool("test.py", file, folder / "model.pth", "--work-dir", folder / "run", expect=1)
    assert "error: FID needs 65 images or more; the set has 64; fewer pass with min_images" in told
    assert "Iter(test)" not in told


def test_folders_of_pictures_by_class(folder: Path) -> None:
    """The same numbers by tools/evaluate.py: a folder against itself, its classes in the names."""
    args = ["--reference", folder / "real", "--metrics", "classaccuracy:seedednet", "fid:seedednet"]
    run_tool("evaluate.py", folder / "real", *args, "--out", folder / "folder.json")
    (result,) = results.read_result(folder / "folder.json")["benchmarks"].values()
    assert result["rows"]["restored"]["FD (SeededNet)"] == pytest.approx(0, abs=1e-6)
    assert set(result["values"]["restored"]["ClassAccuracy (SeededNet)"]) <= {0.0, 1.0}
