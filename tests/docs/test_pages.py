"""The pages are built without a warning, and say what the code says."""

import json
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from tests.testing import ROOT, environment

DOCSTRINGS = "\n".join(path.read_text() for path in (ROOT / "cfmrestore").rglob("*.py"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing that was generated before is taken."""
    folder = tmp_path_factory.mktemp("pages")
    for part in ROOT.iterdir():
        if part.name not in ("docs", ".git"):
            (folder / part.name).symlink_to(part)
    copytree(ROOT / "docs", folder / "docs", ignore=lambda *_: {"_build", "generated"})
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", "docs/_build/html"]
    done = subprocess.run(sphinx, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "docs" / "_build" / "html"


@pytest.mark.slow
def test_pages_need_no_other_place(pages: Path) -> None:
    for page in pages.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|iframe)[^>]* src="(https?:[^"]+)|<link[^>]* href="(https?:[^"]+)', page.read_text()
        )
        assert not loaded, page


@pytest.mark.slow
def test_every_example_ends_in_a_picture(pages: Path) -> None:
    examples = sorted((ROOT / "docs" / "examples").glob("plot_*.py"))
    assert len(examples) >= 6
    for example in examples:
        assert (pages / "_images" / f"sphx_glr_{example.stem}_001.png").exists(), example


@pytest.mark.slow
def test_every_plugin_has_its_keys(pages: Path) -> None:
    from cfmrestore.former_names import PLUGINS
    from cfmrestore.registry import REGISTRIES

    text = "\n".join(page.read_text() for page in (pages / "generated" / "configs").glob("*.html"))
    for kind, plugins in json.loads((ROOT / "tests" / "inventory.json").read_text())["plugins"].items():
        assert kind in REGISTRIES
        for name in set(plugins) - set(PLUGINS):
            assert re.search(rf'id="cfmrestore\.[\w.]+\.{name}"', text), name


@pytest.mark.slow
def test_versions_lie_beside_each_other(pages: Path, tmp_path: Path) -> None:
    script = str(ROOT / "docs" / "_generate" / "deploy.py")
    for version in ("0.9.0", "0.10.0", "main"):
        subprocess.run([sys.executable, script, pages, tmp_path, "--as", version], check=True, capture_output=True)
    assert json.loads((tmp_path / "versions.json").read_text()) == ["0.10.0", "0.9.0", "main"]
    assert "url=0.10.0/" in (tmp_path / "index.html").read_text()
    assert (tmp_path / "0.9.0" / "mathematics.html").exists()


def test_equations_are_those_of_the_docstrings() -> None:
    page = (ROOT / "docs" / "mathematics.md").read_text()
    equations = re.findall(r"```math\n(.*?)```", page, re.DOTALL) + re.findall(r"\| \$(.*?)\$ \|", page)
    known = squeezed(DOCSTRINGS)
    assert len(equations) > 15
    for equation in equations:
        for part in equation.split(r", \quad"):
            text = squeezed(part.replace(r"\begin{aligned}", "").replace(r"\end{aligned}", ""))
            assert text in known, part


def squeezed(text: str) -> str:
    """Without white space, and without how far parts of an equation stand from each other."""
    return re.sub(r"\s+|\\,|\\q?quad", "", text)
