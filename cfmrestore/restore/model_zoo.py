"""The models that come with the package: a folder of weights, and a card for each."""

import json
from pathlib import Path
from typing import Any

from cfmrestore.hub import check_sha256

FOLDER = Path(__file__).parents[1] / "weights"
CARDS = "models.json"


def cards(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """What is said of each model, by its name."""
    path = folder / CARDS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def find_bundled(name: str, folder: Path = FOLDER) -> Path:
    """The file of a model, which is held to be the one that was published."""
    known = cards(folder)
    if name not in known:
        raise ValueError(
            f"there is no model {name!r}: name a checkpoint, a work directory, a repository of a hub (hf://org/name), "
            f"or one of the bundled models ({', '.join(known) or 'this version has none'})"
        )
    file = folder / f"{name}.safetensors"
    if not file.is_file():
        raise ValueError(f"the bundled model {name} lacks its file {file.name}: install the package again")
    check_sha256(file, known[name]["sha256"])
    return file
