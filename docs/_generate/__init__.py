"""What the pages take from code and result files: pages that are written before a build, links, equations."""

from pathlib import Path

from sphinx.application import Sphinx

from _generate import links, mathml
from _generate.api import api_page
from _generate.configs import config_pages
from _generate.migration import migration_page
from _generate.model_zoo import model_zoo_page
from _generate.repository import repository_pages


def write_pages(app: Sphinx) -> None:
    """The generated pages, each written only where it changed, so that the next build reads no more than it must."""
    folder = Path(app.srcdir, "generated")
    pages = {"api.rst": api_page(), "migration.md": migration_page(), "model_zoo.md": model_zoo_page()}
    for name, text in {**pages, **config_pages(), **repository_pages()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages, priority=100)
    app.connect("source-read", links.rewrite)
    mathml.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
