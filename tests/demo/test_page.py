"""The page in a real browser, and the server behind it: what it shows, what it refuses, what it keeps to itself."""

import json
import os
import socket
import subprocess
import sys
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

from cfmrestore.demo import __main__ as demo
from cfmrestore.demo.work import Limits
from tests.browser import Browser
from tests.demo import FakeRestorer

LIMITS = Limits(max_side=120, max_bytes=1 << 20)
BLUE = (10, 60, 200)  # of the uploaded picture; a restored one is yellow
BOX = "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('%s').getBoundingClientRect())"
TOASTS = "[...document.querySelectorAll('.toast-body')].map((e) => e.innerText.trim().split('\\n').pop())"
READY = "document.querySelectorAll('#compare img').length == 2 && !document.querySelector('#download').disabled"
IMAGES = "[...document.querySelectorAll('%s img')].every((i) => i.complete && i.naturalWidth > 0)"
RESOURCES = "[location.href, ...performance.getEntriesByType('resource').map((e) => e.name)]"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


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
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def page(server: SimpleNamespace, browser: Browser) -> Browser:
    server.restorer.calls.clear()
    browser.show(1280, 900)
    go(browser, server.address)
    return browser


def go(page: Browser, address: str) -> None:
    """Open the page, and wait until all of it is there."""
    page.open(address)
    for part in ("#picture input[type=file]", "#samples input", "#restore", "#compare", "#download", "#notes"):
        page.wait_for(f"document.querySelector('{part}') !== null")
    page.wait_for("document.readyState === 'complete'")


def upload(page: Browser, path: Path) -> None:
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector="#picture input[type=file]")["nodeId"]
    page.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)


def upload_picture(page: Browser, folder: Path, size: tuple[int, int] = (100, 60)) -> None:
    Image.new("RGB", size, BLUE).save(folder / "blue sky.png")
    upload(page, folder / "blue sky.png")
    page.wait_for("document.querySelector('#picture img') !== null")


def enter(page: Browser, field: str, value: float) -> None:
    """Write a number into a field, as a keyboard does."""
    page.evaluate(f"(() => {{ const i = document.querySelector('{field}'); i.focus(); i.select(); }})()")
    page.call("Input.insertText", text=str(value))
    page.evaluate(f"document.querySelector('{field}').blur()")


def click(page: Browser, selector: str) -> None:
    page.evaluate(f"document.querySelector('{selector}').click()")


def restore(page: Browser) -> None:
    click(page, "#restore")
    page.wait_for(READY)
    page.wait_for(IMAGES % "#compare")


def blue_part(page: Browser, path: Path, expected: float) -> float:
    """Which part of the comparison shows the picture as it was, seen in a screenshot; it may take a moment to come."""
    page.evaluate("document.querySelector('#compare').scrollIntoView({block: 'center', behavior: 'instant'})")
    deadline, part = time.monotonic() + 10, -1.0
    while abs(part - expected) > 0.05 and time.monotonic() < deadline:
        x, y, width, height = (round(v) for v in page.evaluate(BOX % "#compare img"))
        page.screenshot(path)
        row = np.asarray(Image.open(path).convert("RGB")).astype(int)[y + height // 4, x : x + width]
        part = float((np.abs(row - BLUE).max(axis=1) <= 8).mean())
    return part


@pytest.mark.timeout(600)
def test_a_picture_is_restored_and_compared(page: Browser, server: SimpleNamespace, tmp_path: Path) -> None:
    upload_picture(page, tmp_path)
    click(page, "#restore")
    page.wait_for("/Restoring.*[1-9]\\d(\\.\\d)?%/.test(document.querySelector('#compare').innerText)")
    page.wait_for(READY)
    page.wait_for(IMAGES % "#compare")
    left = dict.fromkeys(("fidelity", "num_intervals", "solver", "consistency"))
    assert server.restorer.calls == [{"size": (100, 60), "scale": 2, "seed": 0, **left}]
    assert page.evaluate("document.querySelector('#spread') === null")
    assert "100 x 60 → 200 x 120 pixels" in page.evaluate("document.querySelector('#summary').innerText")
    assert blue_part(page, tmp_path / "before.png", 0.5) == pytest.approx(0.5, abs=0.05)
    x, y, width, height = page.evaluate(BOX % "#compare img")
    page.drag((x + width / 2, y + height / 2), (x + width * 0.2, y + height / 2))
    assert blue_part(page, tmp_path / "after.png", 0.2) == pytest.approx(0.2, abs=0.05)


@pytest.mark.timeout(600)
def test_samples_have_a_map_and_each_its_file(page: Browser, server: SimpleNamespace, tmp_path: Path) -> None:
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "taken"))
    upload_picture(page, tmp_path)
    enter(page, "#samples input[type=number]", 2)
    enter(page, "#fidelity input[type=number]", 0.25)
    page.wait_for("!document.querySelector('#own input').checked")
    click(page, "#scale label:nth-of-type(3) input")
    restore(page)
    assert [(c["seed"], c["fidelity"], c["scale"]) for c in server.restorer.calls] == [(0, 0.25, 3), (40, 0.25, 3)]
    page.wait_for("document.querySelector('#spread img') !== null")
    page.wait_for(IMAGES % "#spread")
    first = page.evaluate("document.querySelectorAll('#compare img')[1].src")
    click(page, "#sample label:nth-of-type(2) input")
    page.wait_for(f"document.querySelectorAll('#compare img')[1].src !== '{first}'")
    page.wait_for(IMAGES % "#compare")
    click(page, "#download")
    taken = tmp_path / "taken" / "blue_sky-x3-2.png"
    deadline = time.monotonic() + 20
    while not taken.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    with Image.open(taken) as image:
        assert (image.size, image.getpixel((0, 0))) == ((300, 180), (240, 220, 40))
        assert json.loads(image.info["cfmrestore"])["fidelity"] == 0.25


@pytest.mark.timeout(600)
def test_what_is_no_picture_is_refused(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "evil.png").write_text("no picture")
    upload(page, tmp_path / "evil.png")
    page.wait_for(f"{TOASTS}.length > 0")
    assert page.evaluate(TOASTS) == ["This is no picture. BMP, GIF, JPEG, PNG, TIFF, WEBP are taken."]
    page.wait_for("document.querySelector('#picture img') === null")  # the place is free for another


@pytest.mark.timeout(600)
def test_a_picture_that_is_too_large_is_refused(page: Browser, server: SimpleNamespace, tmp_path: Path) -> None:
    Image.new("RGB", (300, 20)).save(tmp_path / "wide.png")
    upload(page, tmp_path / "wide.png")
    page.wait_for(f"{TOASTS}.length > 0")
    assert page.evaluate(TOASTS) == ["The picture is 300 x 20. At most 120 pixels a side are taken."]
    page.wait_for("document.querySelector('#picture img') === null")
    assert server.restorer.calls == []


@pytest.mark.timeout(600)
def test_a_file_that_is_too_large_is_refused(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "heavy.png").write_bytes(bytes(LIMITS.max_bytes + 1))
    upload(page, tmp_path / "heavy.png")
    page.wait_for(f"{TOASTS}.length > 0")
    assert "exceed the maximum allowed size of 1.0 Mb" in page.evaluate(f"{TOASTS}.join()")


@pytest.mark.timeout(600)
def test_without_a_picture_one_is_asked_for(page: Browser, server: SimpleNamespace) -> None:
    click(page, "#restore")
    page.wait_for(f"{TOASTS}.length > 0")
    assert page.evaluate(TOASTS) == ["Drop a picture first."]
    assert server.restorer.calls == []


@pytest.mark.timeout(600)
def test_nothing_comes_from_elsewhere(page: Browser, server: SimpleNamespace, tmp_path: Path) -> None:
    upload_picture(page, tmp_path)
    restore(page)
    asked = [event["request"]["url"] for event in page.seen("Network.requestWillBeSent")]
    asked += page.evaluate(RESOURCES)
    assert len(asked) > 20
    assert [url for url in asked if not url.startswith((server.address, "data:", "blob:"))] == []
    assert page.seen("Runtime.exceptionThrown") == []
    assert page.seen("Log.entryAdded") == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_follows_its_colors(page: Browser, server: SimpleNamespace, dark: bool) -> None:
    page.show(390, 844, phone=True, dark=dark)
    go(page, server.address)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red < 60) == dark
    boxes = [page.evaluate(BOX % name) for name in ("#picture", "#restore", "#compare")]
    assert [box[1] for box in boxes] == sorted(box[1] for box in boxes)
    assert all(box[0] >= 0 and box[2] > 300 for box in boxes)


def status(server: SimpleNamespace, path: str, **options: Any) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{server.address}{path}", **options), timeout=20) as answer:
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
    """What the page answers to a client of its own making that presses Restore."""
    with urllib.request.urlopen(f"{server.address}config", timeout=20) as answer:
        config = json.load(answer)
    number = next(d["id"] for d in config["dependencies"] if len(d["inputs"]) == 9)
    data = [upload, 0.5, True, 2, 1, 0, False, "the model's own", 0]
    body = json.dumps({"data": data, "fn_index": number, "session_hash": "abc"}).encode()
    header = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.address}gradio_api/queue/join", data=body, headers=header)
    urllib.request.urlopen(request, timeout=20).close()
    lines = []
    with urllib.request.urlopen(f"{server.address}gradio_api/queue/data?session_hash=abc", timeout=20) as answer:
        for line in answer:
            lines.append(line.decode())
            if "process_completed" in lines[-1]:
                break
    return "".join(lines)


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
            deadline = time.monotonic() + 10
            while file.exists() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not file.exists()


def failure(*arguments: str) -> str:
    with pytest.raises(SystemExit) as caught:
        demo.main(arguments)
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


def test_without_gradio_one_line_is_said(tmp_path: Path) -> None:
    code = "import sys, runpy, importlib.util as u; find = u.find_spec; " \
        "u.find_spec = lambda name, *a: None if name == 'gradio' else find(name, *a); " \
        "sys.argv[1:] = ['--model', '.']; runpy.run_module('cfmrestore.demo', run_name='__main__')"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: the page needs gradio: pip install 'cfmrestore[demo]'\n"


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
