"""The table of backends on the page is that of the measurement's file."""

import json

from cfmrestore.analysis.benchmarks.backends import table
from tests.testing import ROOT


def test_the_table_is_made_of_the_file() -> None:
    measured = json.loads((ROOT / "benchmarks" / "results" / "cpu_backends.json").read_text())
    page = (ROOT / "docs" / "export.md").read_text()
    shown = page.partition("<!-- backends: begin -->\n")[2].partition("<!-- backends: end -->")[0]
    assert shown.strip() == table(measured).strip()
