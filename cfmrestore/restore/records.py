"""Records of how results were made: by them a broken run goes on, and results of two recipes stay apart."""

import glob
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cfmrestore.former_names import update_names
from cfmrestore.hub import file_digest
from cfmrestore.imageio.atomic import write_text

_FOLDER = ".restored"
_PART = re.compile(r"(.+)_(?:(0|[1-9]\d*)|spread|spread_levels)")
"""Names of samples and maps: that of the result, and the number of a sample."""
_OWN = ("scale", "fidelity", "num_intervals", "solver", "noise", "consistency", "color")
"""Settings that a model has itself, where they are not given."""
BY_NAME = "write into another folder or under other names (--suffix)"


@dataclass(frozen=True)
class Records:
    """A small file for every result, in a hidden folder beside them; each process writes those of its own results.

    Args:
        folder: Of the results.
        recipe: What decides how they look, but for the input.
        elsewhere: Where others of another recipe may go, for the messages.
    """

    folder: Path
    recipe: Mapping[str, Any]
    elsewhere: str = "write into another folder"

    @property
    def is_used(self) -> bool:
        """Whether any result of this folder is known."""
        return (self.folder / _FOLDER).is_dir()

    def file(self, result: Path) -> Path:
        """Where the record of a result lies."""
        return self.folder / _FOLDER / f"{result.relative_to(self.folder).as_posix()}.json"

    def knows(self, path: Path) -> bool:
        """Whether a file is a result of this folder."""
        folder, path = self.folder.resolve(), path.resolve()
        return path.is_relative_to(folder) and replace(self, folder=folder).file(path).is_file()

    def made(self, path: Path) -> bool:
        """Whether a file below this folder is a result of it, or a sample or a map of one."""
        if self.file(path).is_file():
            return True
        if (part := _PART.fullmatch(path.stem)) is None:
            return False
        records = map(_record, self.file(path).parent.glob(f"{glob.escape(part[1])}.*.json"))
        counts = [record.get("samples", 1) for record in records if record is not None]
        return any(count > max(1, int(part[2] or 0)) for count in counts if isinstance(count, int))

    def done(self, result: Path, source: Path, files: list[Path]) -> bool:
        """Whether all files are there and were made in this way of this input; an error if in another."""
        return self.done_as(result, {"input": file_digest(source)}, files)

    def done_as(self, result: Path, own: Mapping[str, Any], files: list[Path]) -> bool:
        """The same of what is this result's own, such as its seed."""
        if not any(path.exists() for path in files):
            return False
        recorded, wanted = self._read(result), {**self.recipe, **own}
        if recorded is None:
            raise ValueError(
                f"{result} is there, and no record of how it was made: {self.elsewhere}, or replace it with --overwrite"
            )
        compared = sorted(key for key in wanted if key != "version")
        if other := [
            _told(key, recorded.get(key), wanted[key]) for key in compared if recorded.get(key) != wanted[key]
        ]:
            raise ValueError(
                f"{result} was made otherwise ({', '.join(other)}): {self.elsewhere}, or make it again with --overwrite"
            )
        return all(path.exists() for path in files)

    def forget(self, result: Path) -> None:
        """The result is about to be replaced."""
        self.file(result).unlink(missing_ok=True)

    def write(self, result: Path, source: Path) -> None:
        """The result is whole."""
        self.write_as(result, {"input": file_digest(source)})

    def write_as(self, result: Path, own: Mapping[str, Any]) -> None:
        """The result is whole, and was made of what is its own."""
        write_text(self.file(result), json.dumps({**self.recipe, **own}, indent=1) + "\n")

    def _read(self, result: Path) -> Mapping[str, Any] | None:
        record = _record(self.file(result))
        return None if record is None else update_names(record, warn=False)


def _record(file: Path) -> dict[str, Any] | None:
    """What a file says; nothing where it is none, or not as a run writes it."""
    try:
        record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _told(key: str, then: Any, now: Any) -> str:
    """What differs, and how where that is short; of settings those that do."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
        return ", ".join(_told(name, then.get(name), now.get(name)) for name in names)
    if isinstance(then, str | int | float | None) and isinstance(now, str | int | float | None) and key != "input":
        missing = "the model's own" if key in _OWN else "not given"
        before, after = (
            missing if one is None else f"{one:g}" if isinstance(one, float) else one for one in (then, now)
        )
        return f"{key} {before}, now {after}"
    return f"another {key.removesuffix('s')}"
