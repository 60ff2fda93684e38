"""The page of a result in a real browser: its sliders move, its colors follow the screen, and it asks for nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from cfmrestore.reports.html.pictures import largest_error
from tests.reports.test_html import make_pictures, make_result, values_of, written
from tests.testing import PHONE, new_page, record, screen, wait_for

FLAT = 60  # the color of bicubic
TO_THE_MIDDLE = "(e) => e.scrollIntoView({block: 'center', behavior: 'instant'})"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a report."""
    folder = tmp_path_factory.mktemp("report")
    written(folder, make_result(warnings=["The weights were not those of the paper."]), make_pictures(300, 400))
    return (folder / "report.html").as_uri()


def show(page: Page, address: str) -> Page:
    """Open a report at its first slider, and wait until that is drawn."""
    page.goto(address)
    page.locator(".stage").first.evaluate(TO_THE_MIDDLE)
    wait_for(page, "document.querySelector('.card canvas').dataset.drawn === 'true'")
    wait_for(page, "[...document.querySelector('.stage').querySelectorAll('img')].every((i) => i.naturalWidth > 0)")
    return page


@pytest.fixture
def page(browser: Browser, report: str) -> Iterator[Page]:
    with new_page(browser, viewport={"width": 1280, "height": 900}) as opened:
        yield show(opened, report)


@pytest.fixture
def phone(browser: Browser, report: str) -> Iterator[Page]:
    with new_page(browser, **PHONE) as opened:
        yield show(opened, report)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], *, hold: bool = False) -> None:
    """Press the mouse on the first slider, move it, and let it go; places are parts of its width and height."""
    places = [(x + width * u, y + height * v) for x, y, width, height in [box(page)] for u, v in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    if not hold:
        page.mouse.up()


def swipe(page: Page, start: tuple[float, float], end: tuple[float, float], *, steps: int = 8) -> None:
    """The same with a finger, which Playwright lets tap alone."""
    x, y, width, height = box(page)
    session = page.context.new_cdp_session(page)
    for step in range(steps + 1):
        u, v = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
        point = {"x": x + width * u, "y": y + height * v}
        kind = "touchMove" if step else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def box(page: Page) -> tuple[float, float, float, float]:
    """Of the first slider: left, top, width and height, in the window."""
    found = page.locator(".stage").first.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["width"], found["height"]


def split(page: Page) -> float:
    """Which part of the first slider shows bicubic, seen in a screenshot."""
    x, y, width, height = (round(v) for v in box(page))
    row = screen(page)[y + height // 4, x : x + width]
    return float((np.abs(row - FLAT).max(axis=1) <= 2).mean())


def test_the_slider_follows_the_mouse(page: Page) -> None:
    assert split(page) == pytest.approx(0.5, abs=0.03)
    drag(page, (0.5, 0.5), (0.35, 0.6), hold=True)
    assert split(page) == pytest.approx(0.35, abs=0.03)
    page.mouse.up()
    drag(page, (0.35, 0.6), (0.2, 0.6))
    assert split(page) == pytest.approx(0.2, abs=0.03)
    drag(page, (0.9, 0.5), (0.8, 0.5))
    assert split(page) == pytest.approx(0.8, abs=0.03)
    drag(page, (0.5, 0.5), (-0.1, 0.5))
    assert split(page) == pytest.approx(0, abs=0.03)


def test_the_slider_follows_the_keyboard(page: Page) -> None:
    slider = page.locator(".stage input").first
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert split(page) == pytest.approx(0.6, abs=0.03)
    page.keyboard.press("Home")
    assert split(page) == pytest.approx(0, abs=0.03)
    assert slider.get_attribute("aria-valuetext") == "0 percent bicubic"


def test_the_keyboard_goes_on_after_the_mouse(page: Page) -> None:
    drag(page, (0.5, 0.5), (0.3, 0.5))
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert split(page) == pytest.approx(0.2, abs=0.03)


def test_the_slider_follows_a_finger(phone: Page) -> None:
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    assert box(phone)[2] < 390
    slider = phone.locator(".stage input").first
    swipe(phone, (0.5, 0.5), (0.25, 0.5))
    assert float(slider.input_value()) == pytest.approx(25, abs=3)
    swipe(phone, (0.7, 0.5), (0.7, 0.5), steps=1)
    assert float(slider.input_value()) == pytest.approx(70, abs=3)


def test_a_finger_that_scrolls_leaves_the_slider(phone: Page) -> None:
    before = phone.evaluate("scrollY")
    swipe(phone, (0.2, 0.9), (0.2, 0.1))
    wait_for(phone, f"scrollY > {before} + 50")
    assert float(phone.locator(".stage input").first.input_value()) == 50


def test_the_left_side_can_be_the_target(page: Page) -> None:
    assert split(page) > 0.4
    target = page.locator(".choice").first.get_by_role("button").last
    target.click()
    assert page.locator(".of-left").first.text_content() == "target"
    assert target.get_attribute("aria-pressed") == "true"
    wait_for(page, "document.querySelector('.left img').complete")
    assert split(page) < 0.1


def test_the_crops_show_the_worst_place(page: Page) -> None:
    names = make_result()["benchmarks"]["Set5"]["images"]
    pictures = make_pictures(300, 400)("Set5", names[int(np.argmin(values_of(make_result())["PSNR"]))])
    window = largest_error(pictures["restored"], pictures["target"], 64)
    crops = "[...document.querySelector('.card').querySelectorAll('canvas')]"
    wait_for(page, f"{crops}.every((c) => c.dataset.drawn)")
    seen = page.evaluate(f"{crops}.map((c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])")
    for name, pixels in zip(("bicubic", "restored", "target"), seen, strict=True):
        assert np.array_equal(np.reshape(pixels, (64, 64, 4))[..., :3], window.cut(pictures[name])), name
    assert page.evaluate("getComputedStyle(document.querySelector('canvas')).imageRendering") == "pixelated"


def test_the_page_is_silent_and_alone(browser: Browser, report: str) -> None:
    with new_page(browser) as page:
        requests, messages = record(page)
        show(page, report)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; d.scrollIntoView(); })")
        wait_for(page, "[...document.querySelectorAll('canvas')].some((c) => c.dataset.drawn)")
    assert {url.split(":")[0] for url in requests} <= {"file", "blob"}
    assert [url for url in requests if url.startswith("file:")] == [report]
    assert messages == []


def test_the_browser_would_tell_of_errors(browser: Browser, tmp_path: Path) -> None:
    text = written(tmp_path, make_result(1), worst=1)  # its policy refuses both of these
    mutant = tmp_path / "mutant.html"
    mutant.write_text(text.replace("</main>", '<img src="http://localhost:9/x.png" alt=""></main><script>x()</script>'))
    with new_page(browser) as page:
        _, messages = record(page)
        page.goto(mutant.as_uri())
    assert len(messages) >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_follow_the_screen(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red < 60) == (scheme == "dark")
