"""What was probably meant by a name that nothing has."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

_LISTED = 10_000  # files of a folder among which a name like the one given is looked for


def closest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that was probably meant; None where none is like it."""
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), None)


def closest_file(text: str) -> str | None:
    """The path that was probably meant by one that leads nowhere: beside it, under a name like its own."""
    path = Path(text).expanduser()
    if not path.parent.is_dir():
        return None
    with os.scandir(path.parent) as entries:
        match = closest(path.name, [entry.name for entry in islice(entries, _LISTED)])
    return match and str(path.with_name(match))


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the known name that was probably meant, or all of them."""
    known = sorted(known)
    match = closest(name, known)
    return f"did you mean {match!r}?" if match else f"known are: {', '.join(known) or 'none'}"
