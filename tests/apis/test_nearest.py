"""Nearest neighbors, and what tells copies."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cfmrestore.apis.nearest import nearest
from cfmrestore.datasets import Digits
from cfmrestore.evaluation.functional.neighbors import nearest_neighbors
from cfmrestore.reports.nearest import open_pictures
from tests.testing import call_tool, run_tool, write_images


def test_neighbors_are_those_of_a_whole_search() -> None:
    generator = torch.Generator().manual_seed(0)
    queries, points = (torch.randn(n, 5, generator=generator) for n in (7, 40))
    points[31] = queries[2]
    found = nearest_neighbors(queries, points.split(9), 3)
    by_hand = (queries[:, None].double() - points[None].double()).square().sum(dim=2).sqrt().sort(dim=1)
    assert torch.allclose(found.distances, by_hand.values[:, :3])
    assert torch.equal(found.indices, by_hand.indices[:, :3])
    assert found.distances[2, 0] == 0
    assert found.indices[2, 0] == 31
    with pytest.raises(ValueError, match="k must be between 1 and the number"):
        nearest_neighbors(queries, points[:2].split(1), 3)


def test_copies_are_told(tmp_path: Path) -> None:
    made, train = write_images(tmp_path / "made", count=5, seed=1), write_images(tmp_path / "train", count=20, seed=2)
    pixels = np.asarray(Image.open(train / "7.png")).astype(int)
    Image.fromarray((pixels ^ 1).astype(np.uint8)).save(made / "copy.png")
    held_out = write_images(tmp_path / "real", count=9, seed=3)
    words = (made, "--train", train, "--held-out", held_out, "--neighbors", 2, "--rows", 3)
    told = run_tool("nearest.py", *words, "--out", tmp_path / "sheet.png")
    result = json.loads((tmp_path / "sheet.json").read_text())
    closer = sum(one["distances"][0] < result["held out"]["minimum"] for one in result["nearest"])
    assert 1 <= result["closer"] == closer < 6
    assert (
        f"{closer} of 6 generated pictures are closer to a training picture than any of 9 held-out ones; 0.6 " in told
    )
    first = result["nearest"][0]
    assert (first["picture"], first["neighbors"][0]) == ("copy.png", "7.png")
    assert first["distances"][0] == pytest.approx(1)  # a level
    assert [one["distances"][0] for one in result["nearest"]] == sorted(
        one["distances"][0] for one in result["nearest"]
    )
    assert result["generated"]["minimum"] == pytest.approx(1)
    assert result["held out"]["minimum"] > 5
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape[1] == 3 * (64 + 2)
    assert np.abs(sheet[18:82, :64].astype(int) - sheet[18:82, 66:130]).max() == 1


def test_features_and_sizes(tmp_path: Path) -> None:
    made = write_images(tmp_path / "made", count=4, side=32)
    summary = nearest(made, "Digits:held_out", features="SeededNet", out=tmp_path / "a.png", neighbors=1)
    assert summary.keys() == {"generated"}
    with pytest.raises(ValueError, match=r"0000 has 8x8 pixels, another picture 32x32: compare pictures of one size"):
        nearest(made, "Digits:held_out", out=tmp_path / "b.png")
    before = (tmp_path / "made" / "0.png").read_bytes()
    with pytest.raises(ValueError, match=r"made/0\.png is there already: --overwrite replaces it"):
        nearest(made, "Digits:held_out", features="SeededNet", out=tmp_path / "made" / "0.png")
    assert (tmp_path / "made" / "0.png").read_bytes() == before
    few = nearest(made, str(write_images(tmp_path / "few", count=2, side=32)), out=tmp_path / "few.png")
    assert few["generated"]["pictures"] == 4  # with fewer to compare with than neighbors are shown


def test_what_is_searched() -> None:
    data = open_pictures("Digits:train")
    assert isinstance(data, Digits)
    assert len(data) == 1195
    assert "error: there is no file or folder 'none'" in call_tool("nearest.py", "none", "--train", "none")
    with pytest.raises(ValueError, match="no dataset 'Digit'; did you mean 'Digits'"):
        open_pictures("Digit:train")
    assert "the sheet is a .png file" in call_tool("nearest.py", ".", "--train", "none", "--out", "a.jpg")
