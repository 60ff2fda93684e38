"""The page of a model that inpaints, in a real browser: one paints, and what was not painted on stays."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from cfmrestore.demo import holes
from cfmrestore.demo import server as demo
from cfmrestore.demo.uploads import Limits
from cfmrestore.restore import Restorer
from tests.demo.browser import answer_to, box, restore, show, toast, upload, wait_until_still
from tests.restore.flows import save_model
from tests.testing import PHONE, free_port, new_page

LIMITS = Limits(max_side=120, max_bytes=1 << 20)
INPAINT = {"conditions": [{"type": "Inpaint", "fill": "smooth"}], "scale": 1}
DESK = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    pytest.importorskip("gradio", reason="the page needs the extra 'demo'")
    model = save_model(tmp_path_factory.mktemp("model") / "model.pth", **INPAINT)
    restorer = Restorer.from_pretrained(model, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")  # put back in the end
        patch.setattr(holes, "CANVAS_SIDE", 256)  # the browser sends it again and again
        with demo.serving(restorer, host="127.0.0.1", port=free_port(), limits=LIMITS) as address:
            yield SimpleNamespace(address=address, folder=Path(os.environ["GRADIO_TEMP_DIR"]))


def photo(folder: Path) -> tuple[Path, np.ndarray]:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 100, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    return folder / "photo.png", pixels


def paint(page: Page) -> None:
    """A stroke from the middle of the canvas to the right."""
    page.locator("#editor").evaluate("(e) => e.scrollIntoView({block: 'center', behavior: 'instant'})")
    wait_until_still(page, "#editor canvas")
    x, y, width, height = box(page, "#editor canvas")
    page.mouse.move(x + width / 2, y + height / 2)
    page.mouse.down()
    page.mouse.move(x + width * 0.65, y + height / 2, steps=3)
    page.mouse.up()
    page.locator("#editor button[aria-label=Undo]:enabled").wait_for()


def download(page: Page) -> tuple[str, np.ndarray]:
    with page.expect_download() as saved:
        page.click("#download")
    with Image.open(saved.value.path()) as image:
        return saved.value.suggested_filename, np.asarray(image)


@pytest.mark.slow
@pytest.mark.parametrize("device", ["desk", "phone"])
def test_a_stroke_is_filled_and_all_else_stays(
    browser: Browser, server: SimpleNamespace, tmp_path: Path, device: str
) -> None:
    file, pixels = photo(tmp_path)
    with new_page(browser, **(PHONE if device == "phone" else DESK)) as page:
        show(page, server.address)
        upload(page, file)
        page.locator("#editor canvas").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == (390 if device == "phone" else 1280)
        assert not page.locator("#scale").is_visible()
        paint(page)
        restore(page)
        name, filled = download(page)
        changed = (filled != pixels).any(axis=-1)
        rows, columns = np.nonzero(changed)
        assert name == "photo-inpainted.png"
        assert 0.005 < changed.mean() < 0.25
        assert 15 <= rows.min() <= rows.max() <= 45  # in the middle, to the right
        assert 30 <= columns.min() <= columns.max() <= 95
        if device == "phone":
            return
        mask = np.zeros((60, 100), np.uint8)
        mask[5:10, 5:15] = 255
        Image.fromarray(mask).save(tmp_path / "mask.png")
        Image.fromarray(mask[:50]).save(tmp_path / "small.png")
        page.click("#another")
        page.locator("#picture").wait_for()
        page.locator("#editor").wait_for(state="hidden")
        upload(page, file)
        page.locator("#editor canvas").first.wait_for()
        page.click("#restore")
        assert toast(page) == "Paint over what is to be filled."
        page.locator(".toast-close").click()
        page.locator(".toast-body").wait_for(state="detached")
        page.click("#from-file button")
        page.set_input_files("#mask input[type=file]", tmp_path / "small.png")
        assert toast(page) == "a mask has the size of its image; got 100x50 pixels for 100x60"
        page.locator("#mask img").wait_for(state="detached")
        page.set_input_files("#mask input[type=file]", tmp_path / "mask.png")
        page.locator("#mask img").wait_for()
        restore(page)
        name, filled = download(page)
        assert np.array_equal(filled[mask == 0], pixels[mask == 0])
        assert (filled != pixels)[mask > 0].any(axis=-1).mean() > 0.8


def test_layers_are_taken_from_uploads_alone(server: SimpleNamespace, tmp_path: Path) -> None:
    meta = {"_type": "gradio.FileData"}
    file, _ = photo(server.folder)
    layer = np.zeros((60, 100, 4), np.uint8)
    layer[20:30, 30:50] = 255
    for folder in (tmp_path, server.folder):
        Image.fromarray(layer).save(folder / "layer.png")

    def answer(path: str, *, as_mask: bool = False) -> str:
        given: dict[str, Any] = {"path": path, "meta": meta}
        painted = {"background": None, "layers": [] if as_mask else [given], "composite": None, "id": None}
        settings = [0.5, True, 1, 1, 0, False, "the model's own", 0, ""]
        data = [{"path": str(file), "meta": meta}, *settings, painted, given if as_mask else None]
        return answer_to(server.address, data)

    for path in (str(tmp_path / "layer.png"), "https://192.0.2.1/x.png"):
        assert '"success":false' in answer(path), path
        assert '"success":false' in answer(path, as_mask=True), path
    assert '"success":true' in answer(str(server.folder / "layer.png"))
    assert '"success":true' in answer(str(server.folder / "layer.png"), as_mask=True)
