"""Options of the suite, and a browser."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import jaxtyping
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded: a thread that waits lets others run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-inventory", action="store_true", help="rewrite tests/inventory.json")
    parser.addoption("--kills", type=int, default=3, help="how often test_random_ends.py kills one run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that hold slow tests go first, so that no process ends long before the other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def open_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shapes in annotations are not enforced: torch exports with sizes that are symbols and no ints."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """The system's Chromium without a window; closed behind a file, since Playwright's loop is in every other's way."""
    if (path := shutil.which("chromium")) is None:
        pytest.skip("there is no chromium: install it, or run `make test` as root on Debian, which does")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, timeout=0) as chromium:
        yield chromium
