"""Arguments of commands: what is wrong with them is said before anything heavy is imported."""

import argparse
import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cfmrestore import model_zoo
from cfmrestore.configs_folder import PREFIX, configs_folder
from cfmrestore.repository import named_repository
from cfmrestore.suggestions import closest, closest_file, nearest


class Parser(argparse.ArgumentParser):
    """A parser that says which flag, command, word or key of a config was probably meant."""

    keys: Mapping[str, str] = {}
    """Words that are taken for flags, and the keys of configs that they are."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(parsed, unknown)
        return parsed

    def error(self, message: str) -> NoReturn:
        """Where all flags are listed, and what is wrong, without the twenty lines of the usage."""
        self.exit(2, f"{self.prog} --help lists all flags\n{self.prog}: error: {message}\n")

    def _refuse(self, parsed: argparse.Namespace, unknown: Sequence[str]) -> NoReturn:
        """Say it by the name of the command, not by that of all."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                action.choices[getattr(parsed, action.dest)]._refuse(parsed, unknown)
        words = iter(unknown)
        word, given, value = next((one for one in words if one.startswith("--")), "")[2:].partition("=")
        match = closest(word, [flag[2:] for flag in long_flags(self)])
        hint = f"; did you mean --{match}?" if match else ""
        if key := self.keys.get(word.replace("_", "-")):
            hint = f"; it is a key of the config: --cfg-options {key}={value if given else next(words, '...')}"
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")

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
                match = closest_file(text.partition("=")[2] or text)
                if name == "config" and (configs_folder() / text).is_file():
                    match = f"{PREFIX}{text}"
                hint = f"; did you mean {match!r}?" if match else ""
                of_package = name == "config" and not (match or "").startswith(PREFIX)
                listed = " (`cfmrestore configs` lists those of the package)" if of_package else ""
                raise ValueError(f"there is no file or folder {text!r}{hint}{listed}")


def check_models(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Refuse arguments, of these names, that are to be models and lead nowhere; what a hub has it will say."""
    for name in names:
        text = getattr(args, name)
        is_path = text is None or "::" in text or Path(text).expanduser().exists()
        if not is_path and text != "auto" and named_repository(text) is None:
            model_zoo.check_name(text)


def _is_there(text: str) -> bool:
    path = Path(text).expanduser()
    return path.exists() or any(glob.iglob(str(path), recursive=True))  # noqa: PTH207 - that one takes no /
