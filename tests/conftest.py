"""Options of the suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-inventory", action="store_true", help="rewrite tests/inventory.json")
