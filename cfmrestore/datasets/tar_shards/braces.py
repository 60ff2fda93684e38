"""Brace notation: many addresses in one, as shells and WebDataset write it."""

import re

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})")
_MOST = 1_000_000


def expand_braces(text: str) -> list[str]:
    """``a-{000..002}.tar`` as ``a-000.tar``, ``a-001.tar`` and ``a-002.tar``; ``{a,b}`` too, and several of them."""
    match = _BRACES.search(text)
    if match is None:
        if "{" in text or "}" in text:
            raise ValueError(f"{text!r} has a brace alone: a range is {{000..099}}, a choice {{a,b}}")
        return [text]
    rest = expand_braces(text[match.end() :])
    choices = _choices(match[1], text)
    if len(choices) * len(rest) > _MOST:
        raise ValueError(f"{text!r} names more than {_MOST:,} shards")
    return [f"{text[: match.start()]}{choice}{one}" for choice in choices for one in rest]


def _choices(inside: str, text: str) -> list[str]:
    if ends := _RANGE.fullmatch(inside):
        first, last = int(ends[1]), int(ends[2])
        if not first <= last < first + _MOST:
            raise ValueError(f"{{{inside}}} in {text!r} goes from its lower to its upper end, both of them in it")
        return [str(number).zfill(len(ends[1])) for number in range(first, last + 1)]
    if "," not in inside:
        raise ValueError(f"{{{inside}}} in {text!r} is neither a range, {{000..099}}, nor a choice, {{a,b}}")
    return inside.split(",")
