"""Arguments of commands: what is wrong with them is said before anything heavy is imported."""

import argparse
import glob
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from cfmrestore.suggestions import closest, nearest

_LISTED = 10_000  # files of a folder among which a name like the one given is looked for


class Parser(argparse.ArgumentParser):
    """A parser that says which flag, command or word was probably meant."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(parsed, unknown)
        return parsed

    def _refuse(self, parsed: argparse.Namespace, unknown: Sequence[str]) -> NoReturn:
        """Say it with the usage of the command, not with that of all."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                action.choices[getattr(parsed, action.dest)]._refuse(parsed, unknown)
        word = next((one[2:].partition("=")[0] for one in unknown if one.startswith("--")), "")
        match = closest(word, [flag[2:] for flag in long_flags(self)])
        self.error(f"unrecognized arguments: {' '.join(unknown)}{f'; did you mean --{match}?' if match else ''}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"there is no {value!r}; {nearest(str(value), action.choices)}")


def long_flags(parser: argparse.ArgumentParser) -> list[str]:
    """The long flags, those of subcommands among them."""
    found = set[str]()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {flag for inner in action.choices.values() for flag in long_flags(inner)}
        elif action.help is not argparse.SUPPRESS:
            found |= {flag for flag in action.option_strings if flag.startswith("--")}
    return sorted(found)


def check_there(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Refuse arguments, of these names, that are to be read and are no file, folder, or pattern of some.

    In ``LABEL=PATH`` the path is looked for, and a config of the package, ``cfmrestore::NAME.py``, is not.
    """
    for name in names:
        value = getattr(args, name)
        for text in value if isinstance(value, list) else [] if value is None else [value]:
            if "::" not in text and not any(map(_is_there, {text, text.partition("=")[2] or text})):
                raise ValueError(f"there is no file or folder {text!r}{_like(text.partition('=')[2] or text)}")


def _is_there(text: str) -> bool:
    path = Path(text).expanduser()
    return path.exists() or any(glob.iglob(str(path), recursive=True))  # noqa: PTH207 - that one takes no /


def _like(text: str) -> str:
    """A file beside it whose name is like it."""
    path = Path(text).expanduser()
    if not path.parent.is_dir():
        return ""
    with os.scandir(path.parent) as entries:
        match = closest(path.name, [entry.name for entry in islice(entries, _LISTED)])
    return f"; did you mean {str(path.with_name(match))!r}?" if match else ""
