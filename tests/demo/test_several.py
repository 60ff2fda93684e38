"""Models that the page lets choose, and several pictures at once."""

import io
import json
import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from cfmrestore import model_zoo
from cfmrestore.demo import batch, server
from cfmrestore.demo.models import PageModels, card
from cfmrestore.demo.uploads import Limits, PageSettings
from cfmrestore.restore.auto_model import AUTO
from tests.demo import FakeRestorer
from tests.demo.browser import restore, show, upload
from tests.testing import ROOT, free_port, new_page, wait_for

LIMITS = Limits(max_side=160, max_bytes=1 << 20)
PHOTOGRAPH = ROOT / "data" / "photographs" / "held_out" / "coffee.png"


def jpeg(path: Path) -> Path:
    with Image.open(PHOTOGRAPH) as image:
        image.convert("RGB").resize((128, 96)).save(path, quality=35)
    return path


class Loaded:
    """Names that were loaded, and restorers that say who they are by the seed of their calls."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.restorers: dict[str, FakeRestorer] = {}

    def __call__(self, name: str) -> FakeRestorer:
        self.names.append(name)
        return self.restorers.setdefault(name, FakeRestorer(scale=4))


def test_models_are_loaded_when_they_are_asked_for(tmp_path: Path) -> None:
    loaded = Loaded()
    models = PageModels.bundled(loaded, AUTO)
    assert models.names == [AUTO, *model_zoo.cards()]
    assert models.first.scale == 4
    count = len(loaded.names)
    _, said = models.take(AUTO, Image.open(jpeg(tmp_path / "a.jpg")), 4)
    assert said.startswith("By cfm-realsr-x4, for JPEG of quality")
    restorer, said = models.take("cfm-x4", Image.new("RGB", (8, 8)), 4)
    assert (restorer, said) == (loaded.restorers["cfm-x4"], "By cfm-x4.")
    models.take("cfm-x4", Image.new("L", (8, 8)), 4)
    assert len(loaded.names) == count + 2
    for name in ("/etc/passwd", "work_dirs/run", ""):
        with pytest.raises(ValueError, match="There is no model"):
            models.take(name, Image.new("RGB", (8, 8)), 4)


def test_one_model_alone_is_no_choice() -> None:
    restorer = FakeRestorer()
    models = PageModels.of(restorer)
    assert models.take("", Image.new("RGB", (8, 8)), 4) == (restorer, "")
    assert server.models_of("cfm-x4", "cpu").names == [AUTO, *model_zoo.cards()]
    assert server.models_of(str(model_zoo.find_bundled("cfm-x4")), "cpu").names == [""]


@pytest.mark.parametrize("name", list(model_zoo.cards()))
def test_a_card_has_use_size_and_figures(name: str) -> None:
    text, known = card(name), model_zoo.cards()[name]
    assert text.startswith(f"{name}: {known['what']}. ")
    assert f"{known['parameters'] / 1e6:.1f} M parameters" in text
    assert f"PSNR {known['figures']['PSNR']:.2f}" in text


def batch_of(
    tmp_path: Path, files: list[tuple[Path, str]], models: PageModels | None = None, **settings: Any
) -> tuple[batch.BatchResult, list[float]]:
    heard: list[float] = []
    result = batch.restore_batch(
        models or PageModels.of(FakeRestorer()), "" if models is None else models.chosen,
        [batch.Upload(str(path), name) for path, name in files],
        PageSettings(**{"scale": 2, **settings}), limits=LIMITS, folder=tmp_path / "results", on_progress=heard.append,
    )  # fmt: skip
    return result, heard


def test_names_are_kept_and_bad_files_left_out(tmp_path: Path) -> None:
    good = tmp_path / "x.png"
    Image.new("RGB", (20, 10), (10, 60, 200)).save(good)
    (tmp_path / "text.png").write_text("no picture")
    names = ["Ärger im Wald (1).JPG", "b.png", "../../b.tiff", "B.webp", "C:\\photos\\c.jpg", "..", "text.png"]
    files = [(good, name) for name in names[:-1]] + [(tmp_path / "text.png", names[-1])]
    result, heard = batch_of(tmp_path, files, seed=7)
    assert result.archive is not None
    with ZipFile(result.archive) as archive:
        assert archive.namelist() == ["Ärger im Wald (1).png", "b.png", "b-2.png", "B-3.png", "c.png", "picture.png"]
        with Image.open(io.BytesIO(archive.read("b.png"))) as image:
            assert (image.size, image.getpixel((0, 0))) == ((40, 20), (240, 220, 7))
            assert image.info["Software"].startswith("cfmrestore ")
    assert result.lines[1] == "b.png: 20 x 10 → 40 x 20 pixels."
    assert result.lines[-1].startswith("text.png was left out: This is no picture.")
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(6 / 7)
    assert [path.name for path in result.archive.parent.iterdir()] == ["restored.zip"]


def test_each_gets_its_model(tmp_path: Path) -> None:
    Image.fromarray(np.tile(np.arange(0, 160, dtype=np.uint8), (96, 1))).save(tmp_path / "smooth.png")
    files = [(jpeg(tmp_path / "a.jpg"), "a.jpg"), (tmp_path / "smooth.png", "smooth.png")]
    result, _ = batch_of(tmp_path, files, PageModels.bundled(Loaded(), AUTO))
    assert "By cfm-realsr-x2, for JPEG of quality" in result.lines[0]
    assert "By " in result.lines[1]


def test_one_is_in_memory_at_a_time(tmp_path: Path) -> None:
    """What was restored is on the disk, and freed, before the next is opened."""
    alive: list[int] = []

    class Watching(FakeRestorer):
        def __call__(self, image: Image.Image, **settings: Any) -> Image.Image:
            here = next((tmp_path / "results").rglob("restored.zip")).stat().st_size
            alive.append(here)
            return super().__call__(image, **settings)

    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)).save(tmp_path / "a.png")
    batch_of(tmp_path, [(tmp_path / "a.png", f"{k}.png") for k in range(4)], PageModels.of(Watching()))
    assert alive[0] == 0
    assert alive == sorted(set(alive))


def test_what_waits_does_not_grow_old(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    os.utime(tmp_path / "a.png", (1, 1))
    batch_of(tmp_path, [(tmp_path / "a.png", "a.png")])
    assert (tmp_path / "a.png").stat().st_mtime > time.time() - 60


def test_limits(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Drop some pictures first"):
        batch_of(tmp_path, [])
    with pytest.raises(ValueError, match=r"These are 101 pictures\. At most 100"):
        batch_of(tmp_path, [(tmp_path / "a.png", "a.png")] * 101)
    result, _ = batch_of(tmp_path, [(tmp_path / "none.png", "none.png")])
    assert result.archive is None
    assert result.lines == [
        "none.png was left out: The picture was deleted, since it had waited for long. Choose it again."
    ]


@pytest.fixture(scope="module")
def served() -> Iterator[SimpleNamespace]:
    pytest.importorskip("gradio", reason="the page needs the extra 'demo'")
    loaded = Loaded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")  # put back in the end
        models = PageModels.bundled(loaded, AUTO)
        with server.serving(models, host="127.0.0.1", port=free_port(), limits=LIMITS) as address:
            yield SimpleNamespace(address=address, loaded=loaded, folder=Path(os.environ["GRADIO_TEMP_DIR"]))


@pytest.fixture
def page(browser: Browser, served: SimpleNamespace) -> Iterator[Page]:
    for restorer in served.loaded.restorers.values():
        restorer.calls.clear()
    with new_page(browser, viewport={"width": 1280, "height": 1200}) as opened:
        yield show(opened, served.address)


def test_a_model_is_chosen_and_its_card_shown(page: Page, served: SimpleNamespace, tmp_path: Path) -> None:
    assert "chosen for each picture" in page.inner_text("#card")
    upload(page, jpeg(tmp_path / "a.jpg"))
    page.locator("#picture img").wait_for()
    restore(page)
    assert "By cfm-realsr-x4, for JPEG of quality" in page.inner_text("#summary")
    page.click("#model input")
    page.locator("[role=option]", has_text="cfm-x4").first.click()
    wait_for(page, "document.querySelector('#card').innerText.includes('1.7 M parameters, 3.')")
    page.click("#restore")
    wait_for(page, "document.querySelector('#summary').innerText.includes('By cfm-x4.')")
    assert len(served.loaded.restorers["cfm-x4"].calls) == 1


def test_an_example_is_restored(page: Page, served: SimpleNamespace) -> None:
    assert page.locator("#examples button").count() == 3
    page.locator("#examples button", has_text="noise").click()
    page.locator("#picture img").wait_for()
    restore(page)
    assert "noise of" in page.inner_text("#summary")
    page.locator("#examples button", has_text="JPEG").click()
    wait_for(page, "!document.querySelector('#summary').innerText.includes('noise of')")  # the old result goes


def test_several_are_restored_and_packed(page: Page, served: SimpleNamespace, tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "blue sky.png")
    Image.new("RGB", (300, 10)).save(tmp_path / "wide.png")
    page.locator("#several > button").first.click()
    files = [jpeg(tmp_path / "a.jpg"), tmp_path / "blue sky.png", tmp_path / "wide.png"]
    page.set_input_files("#files input[type=file]", files)
    wait_for(page, "document.querySelectorAll('#files tr.file').length == 3")
    page.click("#restore-all")
    wait_for(page, "!document.querySelector('#download-all').disabled")
    said = page.inner_text("#said")
    assert "a.png: 128 x 96 → 512 x 384 pixels. By cfm-realsr-x4" in said
    assert "wide.png was left out: The picture is 300 x 10. At most 160 pixels a side are taken." in said
    with page.expect_download() as download:
        page.click("#download-all")
    assert download.value.suggested_filename == "restored.zip"
    with ZipFile(download.value.path()) as archive:
        assert archive.namelist() == ["a.png", "blue sky.png"]


def test_files_of_the_server_are_not_packed(page: Page, served: SimpleNamespace, tmp_path: Path) -> None:
    """Also where a program of anyone's making asks for them."""
    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    with urllib.request.urlopen(f"{served.address}config") as answer:
        dependencies = json.load(answer)["dependencies"]
    number = next(d["id"] for d in dependencies if len(d["inputs"]) == 10 and len(d["outputs"]) == 2)
    meta = {"_type": "gradio.FileData"}
    settings = [0.5, True, 2, 1, 0, False, "the model's own", 0, AUTO]
    for path in (str(tmp_path / "private.png"), "https://192.0.2.1/x.png"):
        body = json.dumps(
            {"data": [[{"path": path, "meta": meta}], *settings], "fn_index": number, "session_hash": "x"}
        )
        header = {"Content-Type": "application/json"}
        join = urllib.request.Request(f"{served.address}gradio_api/queue/join", body.encode(), header)
        urllib.request.urlopen(join).close()
        with urllib.request.urlopen(f"{served.address}gradio_api/queue/data?session_hash=x") as answer:
            last = next(line for line in map(bytes.decode, answer) if "process_completed" in line)
        assert '"success":false' in last, path
