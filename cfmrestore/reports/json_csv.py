"""JSON and CSV files of numbers."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from cfmrestore.imageio.atomic import write_text

_TEXT = "text: "  # before a text that would be read as a number
_LIKE_NUMBERS = re.compile(rf"({_TEXT})*(inf|-inf|nan)")


def write_json(path: str | Path, value: Any) -> None:
    """A JSON file; infinity, which JSON does not know, is written as a string."""
    write_text(path, as_json(value) + "\n")


def as_json(value: Any) -> str:
    """Numbers, texts, paths and dataclasses of them, as ``write_json`` writes them."""
    return json.dumps(_finite(value), indent=1, allow_nan=False)


def read_json(path: str | Path) -> Any:
    """What ``write_json`` wrote."""
    return _numbers(json.loads(Path(path).read_text(encoding="utf-8")))


def write_csv(path: str | Path, rows: Iterable[Sequence[Any]]) -> None:
    """A CSV file; the first row is its head."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_text(path, text.getvalue())


def _finite(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and _LIKE_NUMBERS.fullmatch(value):
        return _TEXT + value
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, str) and _LIKE_NUMBERS.fullmatch(value):
        return value.removeprefix(_TEXT) if value.startswith(_TEXT) else float(value)
    return value
