"""Sheets: rows of one name, pixel for pixel, with labels or without."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore.apis.sheet import sheet
from tests.testing import run_tool


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Small inputs and two sets of large pictures, each of one gray, with a busy corner in the second."""
    levels, sides = {"input": 40, "ours": 120, "truth": 200}, {"input": 8, "ours": 32, "truth": 32}
    for label, level in levels.items():
        (tmp_path / label).mkdir()
        for name in "abc":
            pixels = np.full((sides[label], sides[label] * 3 // 2, 3), level, np.uint8)  # wider than high
            if label == "truth":
                pixels[-8:, -8:] = np.random.default_rng(0).integers(0, 256, (8, 8, 3))
            Image.fromarray(pixels).save(tmp_path / label / f"{name}.png")
    return {label: tmp_path / label for label in levels}


def test_rows_hold_the_pictures_as_they_are(folders: dict[str, Path], tmp_path: Path) -> None:
    labels = sheet(folders, out=tmp_path / "sheet.png", count=2)
    assert labels == [["input", "ours", "truth"]] * 2
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert pixels.shape == (2 * (18 + 18 + 32), 3 * 52, 3)
    row = pixels[36:68]
    assert [set(np.unique(row[:24, n * 52 : n * 52 + 40])) for n in range(3)] == [{40}, {120}, {200}]
    with Image.open(folders["truth"] / "a.png") as image:
        assert np.array_equal(row[:, 104:152], np.asarray(image))


def test_a_folder_without_a_label_is_called_by_its_name(folders: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    run_tool("sheet.py", folders["ours"], f"original={folders['truth']}", "--out", out, "--blind")
    assert {frozenset(row) for row in json.loads((tmp_path / "sheet.json").read_text()).values()} == {
        frozenset({"ours", "original"})
    }


def test_a_crop_is_where_something_is_to_be_seen(folders: dict[str, Path], tmp_path: Path) -> None:
    folders = {label: folders[label] for label in ("truth", "input")}
    sheet(folders, out=tmp_path / "sheet.png", count=1)
    with pytest.raises(ValueError, match=r"sheet\.png is there already: .*--overwrite"):
        sheet(folders, out=tmp_path / "sheet.png", count=1, crop=8)
    sheet(folders, out=tmp_path / "sheet.png", count=1, crop=8, overwrite=True)
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))[36:44]
    with Image.open(folders["truth"] / "a.png") as image:
        assert np.array_equal(pixels[:, :8], np.asarray(image)[-8:, -8:])
    assert set(np.unique(pixels[:, 12:20])) == {40}


def test_a_blind_sheet_keeps_its_key(folders: dict[str, Path], tmp_path: Path) -> None:
    labels = sheet(folders, out=tmp_path / "sheet.jpg", blind=True, seed=1)
    assert json.loads((tmp_path / "sheet.json").read_text()) == dict(zip("abc", labels, strict=True))
    assert all(sorted(one) == ["input", "ours", "truth"] for one in labels)
    assert len({tuple(one) for one in labels}) > 1
    pixels = np.asarray(Image.open(tmp_path / "sheet.jpg")).astype(int)
    levels = {"input": 40, "ours": 120, "truth": 200}
    for number, row in enumerate(labels):
        top = 68 * number + 36
        assert pixels[top - 18 : top].min() > 240  # no label
        for column, label in enumerate(row):
            assert abs(pixels[top + 10, 52 * column + 10].mean() - levels[label]) < 4


def test_what_makes_no_sheet(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a sheet is a \.png or \.jpg file"):
        sheet(folders, out=tmp_path / "sheet.gif")
    with pytest.raises(ValueError, match="count=0"):
        sheet(folders, out=tmp_path / "sheet.png", count=0)
    Image.new("RGB", (20, 20)).save(folders["input"] / "b.png")
    with pytest.raises(ValueError, match="b: the picture of 'input' is 20x20 and the largest 48x32"):
        sheet(folders, out=tmp_path / "sheet.png")
    (folders["input"] / "b.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 3 images are not in every folder: b \(no input\)"):
        sheet(folders, out=tmp_path / "sheet.png")
