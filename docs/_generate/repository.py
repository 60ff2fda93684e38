"""Copies of the pages that lie beside what they are about: changelog, contributing, configs, weights."""

from _generate.links import COPIES, ROOT, to_page


def repository_pages() -> dict[str, str]:
    """Texts by their names in the folder of generated pages."""
    return {
        copy.removeprefix("docs/generated/"): "---\norphan: true\n---\n"
        + to_page((ROOT / page).read_text(), page, copy)
        for page, copy in COPIES.items()
    }
