"""What was probably meant by a name that nothing has."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that was probably meant; None where none is like it."""
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), None)


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the known name that was probably meant, or all of them."""
    known = sorted(known)
    match = closest(name, known)
    return f"did you mean {match!r}?" if match else f"known are: {', '.join(known) or 'none'}"
