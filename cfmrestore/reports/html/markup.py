"""HTML elements, in which every text is escaped, unless it is HTML already."""

import math
from html import escape

_VOID = {"input", "meta"}
_DASH = "\N{EN DASH}"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: object) -> Markup:
    """An element of the page.

    Args:
        name: Of the tag.
        content: Texts, which are escaped, and elements.
        attributes: An underscore stands for a hyphen, or ends a word that Python reserves; None leaves one out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(part if isinstance(part, Markup) else escape(part) for part in content)
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{inside}</{name}>")


def number(value: float | None) -> str:
    """A measured value for a reader; a dash where there is none."""
    if value is None or math.isnan(value):
        return _DASH
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"
