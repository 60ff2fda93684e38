"""The command that fits a grid: what it prints goes into a config, and is never worse on its starts."""

import json
from pathlib import Path

import pytest

from cfmrestore.apis.fit_grid import fit_grid
from cfmrestore.flows import Sampling
from tests.restore.flows import save_model
from tests.testing import call_tool, write_images

LABELS = [{"type": "ClassLabel", "classes": 4, "channels": 8, "dropout": 0.1}]
NOISE = {"type": "Independent"}


def test_of_classes(tmp_path: Path, capsys) -> None:
    model = save_model(tmp_path / "m.pth", coupling=NOISE, conditions=LABELS, scale=1, image_size=8)
    shifted = {"grid": {"type": "ShiftedGrid", "shift": 3.0}}
    keys = {"count": 6, "batch": 4, "fine": 8, "device": "cpu"}
    found = fit_grid(model, 3, guidance=2.0, out=tmp_path / "grid.json", **keys)
    assert found.errors["fitted"] <= min(found.errors["uniform"], found.errors["the model's"])
    assert found.errors["fitted"] < found.errors["uniform"]
    text = capsys.readouterr().out
    assert f'grid=dict(type="ListedGrid", times={list(found.times)}), num_intervals=None)' in text
    sampling = Sampling(grid={"type": "ListedGrid", "times": list(found.times)}, num_intervals=None)
    assert sampling.intervals == 3
    record = json.loads((tmp_path / "grid.json").read_text())
    assert record["times"] == list(found.times)
    assert (record["solver"], record["evaluations"]) == ("Euler", 3)
    other = save_model(tmp_path / "s.pth", coupling=NOISE, scale=1, image_size=8, conditions=LABELS, sampling=shifted)
    again = fit_grid(other, 2, classes=[3], **keys)
    assert again.errors["uniform"] != again.errors["the model's"]


def test_of_images_by_the_degradation_of_the_training(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", count=3)
    keys = {"images": images, "crop": 16, "count": 4, "fine": 8, "device": "cpu"}
    plain = save_model(tmp_path / "m.pth", scale=2)
    steps = [{"type": "Downscale", "scale": 2}, {"type": "JPEG"}]
    jpeg = {"type": "RestorationPreprocessor", "degradation": steps}
    degraded = save_model(tmp_path / "d.pth", scale=2, data_preprocessor=jpeg)
    shrunk, coded = fit_grid(plain, 2, **keys), fit_grid(degraded, 2, **keys)
    assert shrunk.errors["fitted"] <= shrunk.errors["uniform"]
    assert shrunk.errors["uniform"] != coded.errors["uniform"]
    heun = fit_grid(plain, 4, solver="Heun", **keys)
    assert len(heun.times) == 3


def test_what_cannot_be_fitted(tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.pth", scale=2)
    images = write_images(tmp_path / "images", count=2)
    for keys, message in (
        ({"evaluations": 1}, "one interval has no time to place; got 1"),
        ({"evaluations": 3, "solver": "Heun"}, "Heun takes 4 evaluations on a grid of two intervals and 2"),
        ({"evaluations": 2, "solver": "DoPri5"}, "chooses its steps itself"),
        ({"evaluations": 2, "solver": "FlowMapEuler"}, "this network is a velocity"),
        ({"evaluations": 2, "images": None}, "this model needs --images"),
        ({"evaluations": 2, "classes": [1]}, "takes no --classes"),
        ({"evaluations": 2, "crop": 15}, "crop is a multiple of 2 pixels"),
        ({"evaluations": 2, "crop": 64}, "smaller than the crop of 64"),
    ):
        given = {"images": images, "crop": 16, "count": 2, "fine": 4, "device": "cpu", **keys}
        with pytest.raises(ValueError, match=message):
            fit_grid(model, **given)
    assert "this model needs --images" in call_tool("fit_grid.py", model, "--evaluations", 2)
