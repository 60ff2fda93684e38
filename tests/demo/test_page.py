"""The page in a real browser, and the server behind it: what it shows, what it refuses, what it keeps to itself."""

import importlib.util
import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from cfmrestore.cli.main import main
from cfmrestore.demo import server as demo
from cfmrestore.demo.uploads import Limits
from tests.demo import FakeRestorer
from tests.demo.browser import IMAGES, READY, answer_to, box, restore, show, toast, upload
from tests.testing import PHONE, free_port, in_this_process, new_page, record, screen, wait_for

LIMITS = Limits(max_side=120, max_bytes=1 << 20)
BLUE = (10, 60, 200)  # of the uploaded picture; a restored one is yellow
RESOURCES = "[location.href, ...performance.getEntriesByType('resource').map((e) => e.name)]"


@pytest.fixture(scope="module")
def server() -> Iterator[SimpleNamespace]:
    pytest.importorskip("gradio", reason="the page needs the extra 'demo'")
    port, restorer = free_port(), FakeRestorer(scale=2, seconds=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")  # put back in the end
        patch.setenv("GRADIO_ALLOWED_PATHS", "/etc")
        with demo.serving(restorer, host="127.0.0.1", port=port, limits=LIMITS) as address:
            folder = Path(os.environ["GRADIO_TEMP_DIR"])
            yield SimpleNamespace(address=address, port=port, restorer=restorer, folder=folder)
        assert not folder.exists()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for the pages of a desk, so that the scripts of gradio are read once."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as opened:
        yield opened


@pytest.fixture
def page(server: SimpleNamespace, context: BrowserContext) -> Iterator[Page]:
    server.restorer.calls.clear()
    with new_page(context) as opened:
        yield show(opened, server.address)


def upload_picture(page: Page, folder: Path, size: tuple[int, int] = (100, 60)) -> None:
    Image.new("RGB", size, BLUE).save(folder / "blue sky.png")
    upload(page, folder / "blue sky.png")
    page.locator("#picture img").wait_for()


def enter(page: Page, field: str, value: float) -> None:
    """Write a number into a field and leave it."""
    page.fill(field, str(value))
    page.locator(field).blur()


def blue_part(page: Page) -> float:
    """Which part of the comparison shows the picture as it was, seen in a screenshot."""
    page.locator("#compare").evaluate("(e) => e.scrollIntoView({block: 'center', behavior: 'instant'})")
    x, y, width, height = box(page, "#compare img")
    row = screen(page)[round(y + height / 4), round(x) : round(x + width)]
    return float((np.abs(row - BLUE).max(axis=1) <= 8).mean())


def wait_for_blue_part(page: Page, expected: float) -> None:
    """It may take a moment to come; where it never does, the guard of the whole suite ends the test."""
    while abs(blue_part(page) - expected) > 0.05:
        page.wait_for_timeout(50)


def test_a_picture_is_restored_and_compared(page: Page, server: SimpleNamespace, tmp_path: Path) -> None:
    upload_picture(page, tmp_path)
    page.click("#restore")
    wait_for(page, "/Restoring.*[1-9]\\d(\\.\\d)?%/.test(document.querySelector('#compare').innerText)")
    wait_for(page, READY)
    wait_for(page, IMAGES % "#compare")
    left = dict.fromkeys(("fidelity", "num_intervals", "solver", "consistency"))
    assert server.restorer.calls == [{"size": (100, 60), "scale": 2, "seed": 0, **left}]
    assert page.locator("#spread").count() == 0
    assert "100 x 60 → 200 x 120 pixels" in page.inner_text("#summary")
    wait_for_blue_part(page, 0.5)
    x, y, width, height = box(page, "#compare img")
    page.mouse.move(x + width / 2, y + height / 2)
    page.mouse.down()
    page.mouse.move(x + width * 0.2, y + height / 2, steps=5)
    page.mouse.up()
    wait_for_blue_part(page, 0.2)


def test_samples_have_a_map_and_each_its_file(page: Page, server: SimpleNamespace, tmp_path: Path) -> None:
    upload_picture(page, tmp_path)
    enter(page, "#samples input[type=number]", 2)
    assert page.locator("#fidelity input").count() == 0  # what is left to the model shows no number
    page.click("#own input")
    enter(page, "#fidelity input[type=number]", 0.25)
    page.locator("#scale label").nth(2).click()
    restore(page)
    assert [(c["seed"], c["fidelity"], c["scale"]) for c in server.restorer.calls] == [(0, 0.25, 3), (40, 0.25, 3)]
    page.locator("#spread img").wait_for()
    wait_for(page, IMAGES % "#spread")
    first = page.locator("#compare img").nth(1).get_attribute("src")
    page.locator("#sample label").nth(1).click()
    wait_for(page, f"document.querySelectorAll('#compare img')[1].getAttribute('src') !== '{first}'")
    wait_for(page, IMAGES % "#compare")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "blue_sky-x3-2.png"
    with Image.open(download.value.path()) as image:
        assert (image.size, image.getpixel((0, 0))) == ((300, 180), (240, 220, 40))
        assert json.loads(image.info["cfmrestore"])["fidelity"] == 0.25


def test_what_is_no_picture_is_refused(page: Page, tmp_path: Path) -> None:
    (tmp_path / "evil.png").write_text("no picture")
    upload(page, tmp_path / "evil.png")
    assert toast(page) == "This is no picture. BMP, GIF, JPEG, PNG, TIFF, WEBP are taken."
    page.locator("#picture img").wait_for(state="detached")  # the place is free for another


def test_a_picture_that_is_too_large_is_refused(page: Page, server: SimpleNamespace, tmp_path: Path) -> None:
    Image.new("RGB", (300, 20)).save(tmp_path / "wide.png")
    upload(page, tmp_path / "wide.png")
    assert toast(page) == "The picture is 300 x 20. At most 120 pixels a side are taken."
    page.locator("#picture img").wait_for(state="detached")
    assert server.restorer.calls == []


def test_a_file_that_is_too_large_is_refused(page: Page, tmp_path: Path) -> None:
    (tmp_path / "heavy.png").write_bytes(bytes(LIMITS.max_bytes + 1))
    upload(page, tmp_path / "heavy.png")
    assert "exceed the maximum allowed size of 1.0 Mb" in toast(page)


def test_without_a_picture_one_is_asked_for(page: Page, server: SimpleNamespace) -> None:
    page.click("#restore")
    assert toast(page) == "Drop a picture first."
    assert server.restorer.calls == []


def test_nothing_comes_from_elsewhere(context: BrowserContext, server: SimpleNamespace, tmp_path: Path) -> None:
    with new_page(context) as page:
        requests, messages = record(page)
        show(page, server.address)
        upload_picture(page, tmp_path)
        restore(page)
        requests += page.evaluate(RESOURCES)
    assert len(requests) > 20
    assert [url for url in requests if not url.startswith((server.address, "data:", "blob:"))] == []
    assert set(messages) <= {"warning: Method not implemented."}  # gradio's own


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_follows_its_colors(browser: Browser, server: SimpleNamespace, scheme: str) -> None:
    with new_page(browser, **PHONE, color_scheme=scheme) as page:
        show(page, server.address)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
        assert (red < 60) == (scheme == "dark")
        boxes = [box(page, name) for name in ("#picture", "#restore", "#compare")]
    assert [top for _, top, _, _ in boxes] == sorted(top for _, top, _, _ in boxes)
    assert all(left >= 0 and width > 300 for left, _, width, _ in boxes)


def status(server: SimpleNamespace, path: str, **options: Any) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{server.address}{path}", **options)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_no_other_file_is_served(server: SimpleNamespace) -> None:
    allowed = server.folder / "results" / "x" / "a.png"
    allowed.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(allowed)
    assert status(server, f"gradio_api/file={allowed}") == 200
    here = Path(__file__).resolve()
    for path in ("/etc/passwd", "/etc/hostname", here, here.parents[2] / "setup.cfg", f"{server.folder}/../passwd"):
        assert status(server, f"gradio_api/file={path}") in (403, 404), path


def data_of(server: SimpleNamespace, upload: Any) -> str:
    return answer_to(server.address, [upload, 0.5, True, 2, 1, 0, False, "the model's own", 0, ""])


def test_files_of_the_server_cannot_be_restored(server: SimpleNamespace, tmp_path: Path) -> None:
    server.restorer.calls.clear()
    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    Image.new("RGB", (8, 8)).save(server.folder / "uploaded.png")
    meta = {"_type": "gradio.FileData"}
    for path in (
        str(tmp_path / "private.png"),
        f"{server.address}gradio_api/startup-events",
        "https://192.0.2.1/x.png",
    ):
        assert '"success":false' in data_of(server, {"path": path, "meta": meta}), path
    assert server.restorer.calls == []
    assert '"success":true' in data_of(server, {"path": str(server.folder / "uploaded.png"), "meta": meta})
    assert len(server.restorer.calls) == 1


def test_only_this_machine_can_connect(server: SimpleNamespace) -> None:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {fields[1] for fields in lines if fields[3] == "0A" and fields[1].endswith(f":{server.port:04X}")}
    assert listening == {f"0100007F:{server.port:04X}"}


def test_files_are_deleted_in_time(tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="the page needs the extra 'demo'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")
        options: dict[str, Any] = {"host": "127.0.0.1", "port": free_port(), "limits": LIMITS, "keep_seconds": 1}
        with demo.serving(FakeRestorer(), **options):
            file = Path(os.environ["GRADIO_TEMP_DIR"], "upload", "a.png")
            file.parent.mkdir()
            file.write_text("")
            assert file.parents[1].stat().st_mode & 0o077 == 0  # nobody else of this machine may read it
            while file.exists():  # the guard of the suite ends what never happens
                time.sleep(0.1)


def failure(*arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["demo", *arguments])
    assert str(caught.value).startswith("error: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert "there is no model 'nowhere'" in failure("--model", "nowhere", "--port", str(free_port()))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "take another --port" in failure("--model", str(tmp_path), "--port", port)
    assert "there is no port 0" in failure("--model", str(tmp_path), "--port", "0")
    assert "take another --port" in failure("--model", str(tmp_path), "--host", "203.0.113.7")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install 'cfmrestore[demo]'" in failure("--model", "nowhere")


def test_without_gradio_one_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *args: None if name == "gradio" else find(name, *args))
    told, output = in_this_process("cfmrestore.demo", "--model", ".")
    assert (told, output) == ("error: the page needs gradio: pip install 'cfmrestore[demo]'", "")


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("192.168.1.2", False)],
)
def test_loopback_is_known(host: str, alone: bool) -> None:
    assert demo.is_loopback(host) == alone


def test_other_hosts_are_warned_of(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    demo._check("127.0.0.1", free_port())
    assert capsys.readouterr().err == ""
    demo._check("0.0.0.0", free_port())
    assert "everyone who reaches 0.0.0.0" in capsys.readouterr().err
