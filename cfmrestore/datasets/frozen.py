"""Frozen benchmarks: a folder of targets and inputs, and a manifest with the checksum of every file."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cfmrestore.imageio.atomic import write_text

MANIFEST = "manifest.json"


def verify(folder: str | Path) -> int:
    """Hold a frozen set against its manifest; returns the number of images."""
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        expected = dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{str(folder)!r} is no frozen set: {error}") from error
    actual = _digests(folder, files_of(folder))
    wrong = sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))
    if wrong:
        raise ValueError(f"{len(wrong)} files of {str(folder)!r} are not as frozen: {', '.join(wrong[:5])}")
    return sum(name.startswith("low/") and name.endswith(".png") for name in expected)


def folders_of(name: str, where: str) -> list[Path]:
    """Folders of a benchmark: targets and inputs, or targets alone; "HIGH,LOW", "HIGH", or a frozen set."""
    folders = [Path(part) for part in where.split(",")]
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        raise ValueError(f"benchmark {name!r}: there is no folder {', '.join(missing)}")
    if len(folders) > 2:
        raise ValueError(f"benchmark {name!r} is NAME=HIGH or NAME=HIGH,LOW; got {where!r}")
    if (folders[0] / MANIFEST).is_file():
        verify(folders[0])
        return [folders[0] / "high", folders[0] / "low"]
    return folders


def files_of(folder: Path) -> list[Path]:
    """All files below a frozen set, but for its manifest."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST)


def _digests(folder: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def write_manifest(folder: Path, recipe: dict[str, Any], paths: Iterable[Path]) -> None:
    """What was done to all images, and what came out."""
    manifest = {**recipe, "files": _digests(folder, sorted(paths))}
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
