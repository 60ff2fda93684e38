"""What the tests do with the page in a browser, and beside it."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.testing import wait_for

READY = "document.querySelectorAll('#compare img').length == 2 && !document.querySelector('#download').disabled"
IMAGES = "[...document.querySelectorAll('%s img')].every((i) => i.complete && i.naturalWidth > 0)"


def show(page: Page, address: str) -> Page:
    """Open the page, and wait until all of it is there."""
    page.goto(address)
    for part in ("#picture input[type=file]", "#samples input", "#restore", "#compare", "#download", "#notes"):
        page.locator(part).first.wait_for(state="attached")
    return page


def upload(page: Page, path: Path) -> None:
    page.set_input_files("#picture input[type=file]", path)


def restore(page: Page) -> None:
    page.click("#restore")
    wait_for(page, READY)
    wait_for(page, IMAGES % "#compare")


def box(page: Page, selector: str) -> tuple[float, float, float, float]:
    """Left, top, width and height, in the window."""
    found = page.locator(selector).first.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["width"], found["height"]


def wait_until_still(page: Page, selector: str) -> None:
    """Until an element is drawn alike, in the same place, twice: a canvas zooms to a new image by degrees."""
    before, now = None, _look(page, selector)
    while now != before:
        page.wait_for_timeout(300)
        before, now = now, _look(page, selector)


def _look(page: Page, selector: str) -> tuple[bytes, tuple[float, float, float, float]]:
    return page.locator(selector).first.screenshot(), box(page, selector)


def toast(page: Page) -> str:
    """The last line of what the page says in its corner."""
    return page.locator(".toast-body").inner_text().strip().split("\n")[-1]


def answer_to(address: str, data: list[Any]) -> str:
    """What the page answers to a client of its own making that presses Restore."""
    with urllib.request.urlopen(f"{address}config") as answer:
        config = json.load(answer)
    number = next(d["id"] for d in config["dependencies"] if len(d["inputs"]) == len(data))
    body = json.dumps({"data": data, "fn_index": number, "session_hash": "abc"}).encode()
    header = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}gradio_api/queue/join", data=body, headers=header)
    urllib.request.urlopen(request).close()
    lines = []
    with urllib.request.urlopen(f"{address}gradio_api/queue/data?session_hash=abc") as answer:
        for line in answer:
            lines.append(line.decode())
            if "process_completed" in lines[-1]:
                break
    return "".join(lines)
