"""Links between files of the repository, as links between pages.

The pages are read on GitHub too, where a link names a file by its place. Here such a file is another page, a copy of a
page that lies elsewhere in the repository (``repository``), or a file to download.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
COPIES = {
    str(path.relative_to(ROOT)): f"docs/generated/repository/{name}.md"
    for path, name in [
        (ROOT / "CHANGELOG.md", "changelog"),
        (ROOT / "CONTRIBUTING.md", "contributing"),
        (ROOT / "SECURITY.md", "security"),
        (ROOT / "data" / "README.md", "data"),
        (ROOT / "benchmarks" / "results" / "README.md", "benchmarks"),
        (ROOT / "cfmrestore" / "weights" / "README.md", "weights"),
        *((path, path.parent.name) for path in sorted((ROOT / "integrations").glob("*/README.md"))),
        (ROOT / "configs" / "README.md", "configs"),
        *((path, f"configs_{path.parent.name}") for path in sorted((ROOT / "configs").glob("*/README.md"))),
    ]
}
"""Pages outside of docs, and where their copies lie."""

LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)(#[^)\s]*)?(?=\))")


def to_page(text: str, source: str, page: str) -> str:
    """The links of a file ``source``, as they are in the page ``page``; both are paths from the repository's root."""

    def replaced(match: re.Match[str]) -> str:
        target = os.path.normpath(Path(source).parent / match[1])
        if (ROOT / target).is_dir():
            target = f"{target}/README.md" if (ROOT / target / "README.md").exists() else f"{target}/__init__.py"
        if target.startswith("docs/examples/"):
            target = target.replace("docs/", "docs/generated/").replace(".py", ".rst")
        place = os.path.relpath(ROOT / COPIES.get(target, target), (ROOT / page).parent)
        return f"{place}{match[2] or ''}"

    return LINK.sub(replaced, text)


def rewrite(app: Sphinx, docname: str, content: list[str]) -> None:
    """Of a page in docs; pages that are generated have their links already."""
    page = f"docs/{docname}.md"
    if not docname.startswith("generated/") and (ROOT / page).exists():
        content[0] = to_page(content[0], page, page)
