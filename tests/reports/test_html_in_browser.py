"""The page of a result in a real browser: its sliders move, its colors follow the screen, and it asks for nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfmrestore.reports.html.window import largest_error
from tests.browser import Browser
from tests.reports.test_html import make_pictures, make_result, values_of, written


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Browser:
    browser.show(1280, 900)
    written(tmp_path, make_result(warnings=["The weights were not those of the paper."]), make_pictures(300, 400))
    browser.open((tmp_path / "report.html").as_uri())
    browser.evaluate("document.querySelector('.stage').scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.wait_for("document.querySelector('.card canvas').dataset.drawn === 'true'")
    browser.wait_for("[...document.querySelector('.stage').querySelectorAll('img')].every((i) => i.naturalWidth > 0)")
    return browser


BOX = "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('%s').getBoundingClientRect())"
FLAT = 60  # the color of bicubic


def split(page: Browser, path: Path) -> float:
    """Which part of the first slider shows bicubic, seen in a screenshot."""
    page.screenshot(path)
    x, y, width, height = (round(v) for v in page.evaluate(BOX % ".stage"))
    row = np.asarray(Image.open(path).convert("RGB")).astype(int)[y + height // 4, x : x + width]
    return float((np.abs(row - FLAT).max(axis=1) <= 2).mean())


@pytest.mark.timeout(600)
def test_the_slider_follows_the_mouse(page: Browser, tmp_path: Path) -> None:
    x, y, width, height = page.evaluate(BOX % ".stage")
    assert split(page, tmp_path / "before.png") == pytest.approx(0.5, abs=0.03)
    page.drag((x + width * 0.5, y + height * 0.5), (x + width * 0.35, y + height * 0.6), hold=True)
    assert split(page, tmp_path / "held.png") == pytest.approx(0.35, abs=0.03)
    page.drag((x + width * 0.35, y + height * 0.6), (x + width * 0.2, y + height * 0.6))
    assert split(page, tmp_path / "left.png") == pytest.approx(0.2, abs=0.03)
    page.drag((x + width * 0.9, y + height * 0.5), (x + width * 0.8, y + height * 0.5))
    assert split(page, tmp_path / "right.png") == pytest.approx(0.8, abs=0.03)
    page.drag((x + width * 0.5, y + height * 0.5), (x - 50, y + height * 0.5))
    assert split(page, tmp_path / "outside.png") == pytest.approx(0, abs=0.03)


@pytest.mark.timeout(600)
def test_the_slider_follows_the_keyboard(page: Browser, tmp_path: Path) -> None:
    page.evaluate("document.querySelector('.stage input').focus()")
    for _ in range(10):
        page.press("ArrowRight", 39)
    assert split(page, tmp_path / "right.png") == pytest.approx(0.6, abs=0.03)
    page.press("Home", 36)
    assert split(page, tmp_path / "home.png") == pytest.approx(0, abs=0.03)
    assert page.evaluate("document.querySelector('.stage input').getAttribute('aria-valuetext')") == "0 percent bicubic"


@pytest.mark.timeout(600)
def test_the_keyboard_goes_on_after_the_mouse(page: Browser, tmp_path: Path) -> None:
    x, y, width, height = page.evaluate(BOX % ".stage")
    page.drag((x + width * 0.5, y + height * 0.5), (x + width * 0.3, y + height * 0.5))
    for _ in range(10):
        page.press("ArrowLeft", 37)
    assert split(page, tmp_path / "left.png") == pytest.approx(0.2, abs=0.03)


@pytest.mark.timeout(600)
def test_the_slider_follows_a_finger(page: Browser, tmp_path: Path) -> None:
    page.show(390, 844, phone=True)
    page.evaluate("document.querySelector('.stage').scrollIntoView({block: 'center', behavior: 'instant'})")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    x, y, width, height = page.evaluate(BOX % ".stage")
    assert width < 390
    page.swipe((x + width * 0.5, y + height * 0.5), (x + width * 0.25, y + height * 0.5))
    value = "Number(document.querySelector('.stage input').value)"
    assert page.evaluate(value) == pytest.approx(25, abs=3)
    page.swipe((x + width * 0.7, y + height * 0.5), (x + width * 0.7, y + height * 0.5), steps=1)
    assert page.evaluate(value) == pytest.approx(70, abs=3)


@pytest.mark.timeout(600)
def test_a_finger_that_scrolls_leaves_the_slider(page: Browser) -> None:
    page.show(390, 844, phone=True)
    page.evaluate("document.querySelector('.stage').scrollIntoView({block: 'center', behavior: 'instant'})")
    before = page.evaluate("scrollY")
    x, y, width, height = page.evaluate(BOX % ".stage")
    page.swipe((x + width * 0.2, y + height * 0.9), (x + width * 0.2, y + height * 0.1))
    page.wait_for(f"scrollY > {before} + 50")
    assert page.evaluate("Number(document.querySelector('.stage input').value)") == 50


@pytest.mark.timeout(600)
def test_the_left_side_can_be_the_target(page: Browser, tmp_path: Path) -> None:
    assert split(page, tmp_path / "bicubic.png") > 0.4
    x, y, width, height = page.evaluate(BOX % ".choice button:last-child")
    page.drag((x + width / 2, y + height / 2), (x + width / 2, y + height / 2))
    assert page.evaluate("document.querySelector('.of-left').textContent") == "target"
    assert page.evaluate("document.querySelector('.choice button:last-child').ariaPressed") == "true"
    page.wait_for("document.querySelector('.left img').complete")
    assert split(page, tmp_path / "target.png") < 0.1


@pytest.mark.timeout(600)
def test_the_crops_show_the_worst_place(page: Browser) -> None:
    pictures = make_pictures(300, 400)("Set5", int(np.argmin(values_of(make_result())["PSNR"])))
    window = largest_error(pictures["restored"], pictures["target"], 64)
    crops = "[...document.querySelector('.card').querySelectorAll('canvas')]"
    page.wait_for(f"{crops}.every((c) => c.dataset.drawn)")
    seen = page.evaluate(f"{crops}.map((c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])")
    for name, pixels in zip(("bicubic", "restored", "target"), seen, strict=True):
        assert np.array_equal(np.reshape(pixels, (64, 64, 4))[..., :3], window.cut(pictures[name])), name
    assert page.evaluate("getComputedStyle(document.querySelector('canvas')).imageRendering") == "pixelated"


@pytest.mark.timeout(600)
def test_the_page_is_silent_and_alone(page: Browser) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; d.scrollIntoView(); })")
    page.wait_for("[...document.querySelectorAll('canvas')].some((c) => c.dataset.drawn)")
    asked = {event["request"]["url"].split(":")[0] for event in page.seen("Network.requestWillBeSent")}
    assert asked <= {"file", "blob"}
    assert sum(e["request"]["url"].startswith("file:") for e in page.seen("Network.requestWillBeSent")) == 1
    assert page.seen("Log.entryAdded") == []
    assert page.seen("Runtime.exceptionThrown") == []
    assert page.seen("Runtime.consoleAPICalled") == []


@pytest.mark.timeout(600)
def test_the_browser_would_tell_of_errors(browser: Browser, tmp_path: Path) -> None:
    text = written(tmp_path, make_result(1), worst=1)  # its policy refuses both of these
    mutant = tmp_path / "mutant.html"
    mutant.write_text(text.replace("</main>", '<img src="http://localhost:9/x.png" alt=""></main><script>x()</script>'))
    browser.open(mutant.as_uri())
    assert len(browser.seen("Log.entryAdded")) >= 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dark", [False, True])
def test_colors_follow_the_screen(page: Browser, dark: bool) -> None:
    page.show(1280, 900, dark=dark)
    red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red < 60) == dark
