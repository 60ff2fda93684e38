"""The table and the picture of a model, for pages."""

import json
from pathlib import Path

import pytest
from PIL import Image

from cfmrestore.analysis.showcase import showcase
from cfmrestore.apis.degrade import degrade
from cfmrestore.reports.markdown import fill
from tests.restore.flows import save_model
from tests.testing import call_tool, run_tool, write_images

PAGE = "before\n<!-- MODEL: begin -->\nold\n<!-- MODEL: end -->\nafter\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_model(tmp_path / "model.pth")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_images(tmp_path / "photos", count=5, side=208)


def test_the_tool_makes_table_picture_and_page(model: Path, photos: Path, tmp_path: Path) -> None:
    page, picture = tmp_path / "page.md", tmp_path / "picture.jpg"
    page.write_text(PAGE.replace("MODEL", str(model)))
    sets = [f"set={photos}"]
    args = [model, "--sets", *sets, "--preset", "bicubic", "--split", "held_out", "--beside", f"other={model}"]
    files = ["--picture", picture, "--page", page, "--results", tmp_path / "results.json"]
    told = run_tool("showcase.py", *args, "--out", tmp_path / "out", *files)
    lines = [line for line in page.read_text().splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "bicubic", "fidelity 1", "fidelity 0", "other", "originals",
    ]  # fmt: skip
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        "set", "PSNR", "SSIM", "HaarPSI", "NIQE", "LRConsistency", "NFE",
    ]  # fmt: skip
    assert all(line in told for line in lines)
    written = json.loads((tmp_path / "results.json").read_text())
    assert [*written] == ["what", "command", "commit", "protocol", "tables"]
    assert [[title, *row.values()] for title, row in written["tables"]["set"].items()] == [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]
    ]
    assert lines[4].split("|")[2:] == lines[5].split("|")[2:]  # the same model, at its own end
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("after\n")
    assert len(list((tmp_path / "out" / "set" / "frozen" / "high").glob("*.png"))) == 2
    assert Image.open(picture).size == (5 * 176, 18 + 2 * 176)


@pytest.mark.slow
def test_pairs_and_a_second_time(model: Path, tmp_path: Path) -> None:
    photos = write_images(tmp_path / "photos", count=2, side=208)
    first = showcase(str(model), {"set": str(photos)}, tmp_path / "out", preset="bicubic")
    frozen = tmp_path / "out" / "set" / "frozen"
    assert showcase(str(model), {"set": str(photos)}, tmp_path / "out", preset="bicubic") == first
    assert showcase(str(model), {"set": f"{frozen / 'high'},{frozen / 'low'}"}, tmp_path / "other") == first
    assert showcase(str(model), {"set": str(frozen)}, tmp_path / "third") == first


def test_targets_of_any_format(model: Path, tmp_path: Path) -> None:
    high = write_images(tmp_path / "high", count=2, side=208, suffix=".jpg")
    picture = tmp_path / "picture.jpg"
    degrade(high, "bicubic", tmp_path / "low")
    showcase(str(model), {"set": f"{high},{tmp_path / 'low'}"}, tmp_path / "out", picture=picture)
    assert Image.open(picture).size[0] == 5 * 176


@pytest.mark.parametrize("name", ["../photos", "/photos", "frozen", "bicubic", "fidelity 1"])
def test_names_that_would_stand_for_something_else(model: Path, photos: Path, tmp_path: Path, name: str) -> None:
    keep = tmp_path / "photos" / "0.png"
    with pytest.raises(ValueError, match="names are words, and none of bicubic"):
        showcase(str(model), {"set": str(photos)}, tmp_path / "out", preset="bicubic", beside={name: str(model)})
    assert keep.is_file()


def test_what_is_missing(model: Path, photos: Path, tmp_path: Path) -> None:
    told = call_tool("showcase.py", model, "--sets", f"set={photos}", "--out", tmp_path / "out")
    assert "give a --preset, or pairs" in told
    told = call_tool("showcase.py", model, "--sets", "set=nowhere", "--preset", "bicubic", "--out", tmp_path / "out")
    assert "benchmark 'set': there is no folder nowhere" in told
    (tmp_path / "page.md").write_text("no marks")
    told = call_tool("showcase.py", model, "--page", tmp_path / "page.md", "--out", tmp_path / "out")
    assert "page.md has no lines <!-- " in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", PAGE + PAGE, "<!-- MODEL: end -->\n<!-- MODEL: begin -->\n"])
def test_marks_that_are_none(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="has no lines"):
        fill(page, "MODEL", "new")
    assert page.read_text() == text
