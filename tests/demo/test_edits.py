"""Edits of the page: a slider for each boundary of a folder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser

from cfmrestore.apis.fit_boundary import fit_boundary
from cfmrestore.demo import server as demo
from cfmrestore.demo.edits import PageEditor, edit_upload
from cfmrestore.demo.uploads import Limits
from cfmrestore.editing import Boundary
from tests.apis.test_edit import KEYS, LABELS, write_sides
from tests.demo.browser import READY
from tests.restore.flows import save_model
from tests.testing import free_port, wait_for


@pytest.fixture
def page(tmp_path: Path) -> PageEditor:
    model = save_model(tmp_path / "m.pth", **KEYS)
    sides = write_sides(tmp_path / "data")
    (tmp_path / "boundaries").mkdir()
    for name, time in (("red", 0.5), ("other", 0.8)):
        fit_boundary(model, sides, name, tmp_path / "boundaries" / f"{name}.safetensors", time=time, device="cpu")
    return PageEditor.from_folder(model, tmp_path / "boundaries", device="cpu")


def test_an_upload_is_edited_at_the_model_s_size(tmp_path: Path, page: PageEditor) -> None:
    assert [one.attribute for one in page.boundaries] == ["other", "red"]
    Image.new("RGBA", (40, 20), (90, 90, 90, 255)).save(tmp_path / "mine.png")
    done = [edit_upload(page, tmp_path / "mine.png", (0, k), limits=Limits(), folder=tmp_path / "out") for k in (-2, 2)]
    before, *after = (np.asarray(Image.open(path)).astype(int) for path in (done[0].before, *(d.after for d in done)))
    assert before.shape == after[0].shape == (8, 8, 3)
    assert np.abs(before - 90).max() <= 1
    assert after[1][..., 0].mean() > after[0][..., 0].mean() + 20
    assert "8 x 8 pixels" in done[0].summary
    assert "red" in done[0].summary


def test_a_folder_of_nothing_and_of_another_model_is_refused(tmp_path: Path, page: PageEditor) -> None:
    with pytest.raises(ValueError, match="there are no boundaries in"):
        PageEditor.from_folder(tmp_path / "m.pth", tmp_path / "data", device="cpu")
    other = save_model(tmp_path / "o.pth", seed=1, **KEYS)
    with pytest.raises(ValueError, match="is of another model"):
        PageEditor.from_folder(other, tmp_path / "boundaries", device="cpu")


def test_boundaries_of_told_classes_are_refused_where_they_are_loaded(tmp_path: Path) -> None:
    model = save_model(tmp_path / "c.pth", **{**KEYS, "conditions": LABELS})
    folder = tmp_path / "boundaries"
    folder.mkdir()
    unit = torch.ones(12, 4, 4) / (12 * 16) ** 0.5
    keys = {"normal": unit, "direction": unit, "intercept": 0, "std": 1, "time": 0.5, "accuracy": 1}
    Boundary(**keys, attribute="thick", guidance=1.0).save(folder / "thick.safetensors")
    with pytest.raises(ValueError, match=r"thick\.safetensors' was fitted to pictures whose class was told"):
        PageEditor.from_folder(model, folder, device="cpu")
    Boundary(**keys, attribute="thick", guidance=0.0).save(folder / "thick.safetensors")
    assert len(PageEditor.from_folder(model, folder, device="cpu").boundaries) == 1


def test_the_page_has_a_slider_for_each(tmp_path: Path, page: PageEditor) -> None:
    pytest.importorskip("gradio", reason="the page needs the extra 'demo'")
    from cfmrestore.demo.editing import build_editing_page

    blocks = build_editing_page(page, limits=Limits(), folder=tmp_path / "out", keep_seconds=60)
    labels = [one["props"]["label"] for one in blocks.config["components"] if one["type"] == "slider"]
    assert labels == [one.attribute for one in page.boundaries]
    assert all(isinstance(one, Boundary) for one in page.boundaries)


def test_in_a_browser_an_edit_is_shown(tmp_path: Path, page: PageEditor, browser: Browser) -> None:
    pytest.importorskip("gradio", reason="the page needs the extra 'demo'")
    Image.new("RGB", (20, 20), (90, 90, 90)).save(tmp_path / "mine.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")
        with demo.serving(page, host="127.0.0.1", port=free_port(), limits=Limits()) as address:
            shown = browser.new_page()
            shown.goto(address)
            shown.locator("#picture input[type=file]").wait_for(state="attached")
            shown.set_input_files("#picture input[type=file]", tmp_path / "mine.png")
            shown.locator("#picture img").wait_for()
            slider = shown.locator("#boundary-1 input[type=number]")
            slider.fill("2")
            slider.press("Tab")
            shown.click("#edit")
            wait_for(shown, READY)
            assert "8 x 8 pixels" in shown.locator("#summary").inner_text()
            assert "red" in shown.locator("#boundary-1").inner_text()
            shown.close()
