"""Tables and picture of zero-shot restoration."""

from pathlib import Path

import pytest
from PIL import Image

from cfmrestore.analysis.zero_shot import TASKS, zero_shot
from tests.restore.flows import save_model
from tests.restore.test_zero_shot import PLAIN
from tests.testing import write_images


@pytest.mark.slow
def test_tables_and_a_picture(tmp_path: Path) -> None:
    model = save_model(tmp_path / "flow.pth", **PLAIN)
    fills = save_model(tmp_path / "fills.pth", conditions=[{"type": "Inpaint"}], scale=1)
    photos = write_images(tmp_path / "photos", count=2, side=36)
    page, picture = tmp_path / "page.md", tmp_path / "picture.jpg"
    page.write_text("before\n<!-- zero-shot: begin -->\nold\n<!-- zero-shot: end -->\nafter\n")
    text = zero_shot(
        str(model), photos, side=32, steps=1, methods=["flower", "pnp-flow"], picture=picture, page=page, device="cpu",
        beside={"cfm-x4": "cfm-x4", "web": "cfm-web-x1", "fills": str(fills)},
    )  # fmt: skip
    assert text in page.read_text()
    tables = text.strip().split("\n\n")
    assert len(tables) == len(TASKS)
    rows = [[line.split("|")[1].strip() for line in table.splitlines()] for table in tables]
    assert rows[0][2:] == ["bicubic", "flower", "pnp-flow", "cfm-x4"]
    assert [one[2:] for one in rows[1:3]] == [["the input", "flower", "pnp-flow", "web"]] * 2
    assert rows[3][2:] == ["mean color", "flower", "pnp-flow", "fills"]
    with Image.open(picture) as image:
        assert image.size == (4 * 128, len(TASKS) * 2 * (128 + 18))


def test_wrong_tasks_and_small_photographs_are_named(tmp_path: Path) -> None:
    model = save_model(tmp_path / "flow.pth", **PLAIN)
    photos = write_images(tmp_path / "photos", count=1, side=36)
    with pytest.raises(
        ValueError, match="x2 is for none of these tasks: its scale is 2, beside images it needs nothing"
    ):
        zero_shot(str(model), photos, side=32, beside={"x2": "cfm-realsr-x2"}, device="cpu")
    with pytest.raises(ValueError, match="unknown tasks denoising; known are super-resolution x4"):
        zero_shot(str(model), photos, tasks=["denoising"])
    with pytest.raises(ValueError, match=r"0\.png is 36x36: smaller than 64 pixels"):
        zero_shot(str(model), photos, side=64, device="cpu")
