"""The models that come with the package: a folder of weights, and a card for each."""

import json
from pathlib import Path
from typing import Any

from cfmrestore.former_names import model_name
from cfmrestore.suggestions import closest, closest_file

FOLDER = Path(__file__).parent / "weights"
CARDS = "models.json"
INPAINTING = (
    "no shipped model inpaints: cfmrestore train cfmrestore::lfm/inpainting_photographs.py makes one in half an hour "
    "on a core, for --model work_dirs/inpainting_photographs"
)
"""Where a model that fills holes comes from."""


def cards(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """What is said of each model, by its name."""
    path = folder / CARDS
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def check_name(name: str, folder: Path = FOLDER) -> str:
    """The present name of a bundled model; what is none is refused, with what is like it, also among the files."""
    if name == "auto":
        raise ValueError(
            "auto is chosen by the command restore, for each picture: name a model, such as "
            "cfmrestore.restore.auto_model.choose(picture).model of a Picture"
        )
    known, name = cards(folder), model_name(name)
    if name not in known:
        match = closest(name, known) or closest_file(name)
        raise ValueError(
            f"there is no model {name!r}: name a checkpoint, a work directory, a repository of a hub (hf://org/name), "
            f"or one of the bundled models ({', '.join(known) or 'this version has none'})"
            + (f"; did you mean {match!r}?" if match else "")
        )
    return name


def find_bundled(name: str, folder: Path = FOLDER) -> Path:
    """The file of a model, which is held to be the one that was published."""
    from cfmrestore.hub import check_sha256  # and with it torch, without which a command reads its flags

    name = check_name(name, folder)
    file = folder / f"{name}.safetensors"
    if not file.is_file():
        raise ValueError(f"the bundled model {name} lacks its file {file.name}: install the package again")
    check_sha256(file, cards(folder)[name]["sha256"])
    return file
