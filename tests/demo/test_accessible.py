"""The page for those who do not see it well, or not at all, or do without a mouse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from cfmrestore.demo import server as demo
from cfmrestore.demo.models import PageModels
from cfmrestore.demo.uploads import Limits
from cfmrestore.restore.auto_model import AUTO
from tests.demo import FakeRestorer
from tests.demo.browser import restore, show, upload
from tests.testing import free_port, new_page, wait_for

LIMITS = Limits(max_side=160, max_bytes=1 << 20)

# Contrast as WCAG 2.2 defines it, of every text that is shown; what is disabled need not have any. Colors that are not
# opaque lie over those behind them, down to the white of the page.
CONTRAST = """() => {
  const numbers = (text) => {
    const c = (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const top = text.startsWith("color(srgb") ? 255 : 1;
    return [top * c[0], top * c[1], top * c[2], c[3] ?? 1];
  };
  const over = (a, b) => [0, 1, 2].map((k) => a[3] * a[k] + (1 - a[3]) * b[k]);
  const light = (c) => {
    const [r, g, b] = c.map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(numbers(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const text = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join(" ").trim()
      || (e.matches("input:not([type=range],[type=checkbox],[type=radio],[type=file])") ? e.value : "");
    if (!text || e.closest("[disabled], script, style, noscript, svg")) continue;
    if (!e.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (e.getBoundingClientRect().width < 2) continue;  // for screen readers alone
    const back = behind(e), [a, b] = [light(over(numbers(getComputedStyle(e).color), back)), light(back)];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text.slice(0, 40)]);
  }
  return found;
}"""

# What a screen reader calls a control: its label, or what it says of itself.
NAMELESS = """() => [...document.querySelectorAll("button, input, select, textarea, a[href], [tabindex='0']")]
  .filter((e) => e.checkVisibility({opacityProperty: true, visibilityProperty: true}))
  .filter((e) => {
    const by = (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.innerText);
    const names = [e.getAttribute("aria-label"), ...by, ...[...(e.labels || [])].map((l) => l.innerText), e.title,
                   e.matches("input") ? "" : e.innerText, e.querySelector("img")?.alt];
    return !names.some((name) => name && name.trim());
  }).map((e) => e.outerHTML.slice(0, 200))"""

# Where the keyboard is, and whether one sees it there.
FOCUS = """() => {
  const e = document.activeElement, style = getComputedStyle(e);
  const width = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  const name = e.id || e.getAttribute("aria-label") || e.innerText || e.outerHTML.slice(0, 80);
  return [e === document.body ? "" : name.trim(), width];
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("gradio", reason="the page needs the extra 'demo'")
    models = PageModels.bundled(lambda name: FakeRestorer(scale=4), AUTO)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")  # put back in the end
        with demo.serving(models, host="127.0.0.1", port=free_port(), limits=LIMITS) as served:
            yield served


@pytest.fixture
def filled(browser: Browser, address: str, tmp_path: Path, request: Any) -> Iterator[Page]:
    """The page with all of it open and a result, in one of the two schemes."""
    Image.new("RGB", (100, 60), (10, 60, 200)).save(tmp_path / "sky.png")
    scheme = getattr(request, "param", "light")
    with new_page(browser, viewport={"width": 1280, "height": 1400}, color_scheme=scheme) as page:
        show(page, address)
        page.click("#own input")
        page.locator("#fidelity input").first.wait_for()
        for part in ("#advanced", "#several"):
            page.locator(f"{part} > button").first.click()
        upload(page, tmp_path / "sky.png")
        page.locator("#picture img").wait_for()
        restore(page)
        yield page


@pytest.mark.parametrize("filled", ["light", "dark"], indirect=True)
def test_every_text_has_contrast(filled: Page) -> None:
    filled.wait_for_timeout(400)  # colors that change slowly
    measured = filled.evaluate(CONTRAST)
    assert len(measured) > 30
    assert sorted(one for one in measured if one[0] < 4.5) == []


def test_contrast_finds_what_is_too_faint(filled: Page) -> None:
    filled.evaluate("document.querySelector('#summary p').style.color = '#94a3b8'")
    assert any(ratio < 3 and "pixels" in text for ratio, text in filled.evaluate(CONTRAST))


def test_every_control_has_a_name(filled: Page) -> None:
    assert filled.evaluate(NAMELESS) == []


def test_the_keyboard_reaches_all_and_is_seen(filled: Page) -> None:
    filled.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen: dict[str, float] = {}
    for _ in range(80):
        filled.keyboard.press("Tab")
        name, width = filled.evaluate(FOCUS)
        if name:
            seen[name] = width
    assert {name for name, width in seen.items() if width < 2} == set()
    told = " ".join(seen)
    for wanted in (
        "Model",
        "restore",
        "download",
        "Seed",
        "Fidelity",
        "Samples",
        "Advanced",
        "Several pictures",
        "restore-all",
    ):
        assert wanted in told, f"{wanted} is not reached: {told}"


def test_enter_restores(browser: Browser, address: str, tmp_path: Path) -> None:
    Image.new("RGB", (100, 60), (10, 60, 200)).save(tmp_path / "sky.png")
    with new_page(browser) as page:
        show(page, address)
        upload(page, tmp_path / "sky.png")
        page.locator("#picture img").wait_for()
        page.focus("#restore")
        page.keyboard.press("Enter")
        wait_for(page, "document.querySelector('#summary').innerText.includes('pixels')")


def test_what_happens_is_read_aloud(filled: Page) -> None:
    assert filled.evaluate("document.documentElement.lang") == "en"
    for place, inside in (("status", "summary"), ("several-said", "said")):
        live = filled.locator(f"#{place}")
        assert live.get_attribute("aria-live") == "polite"
        assert live.locator(f"#{inside}").count() == 1
