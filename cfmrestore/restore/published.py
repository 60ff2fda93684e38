"""A published model: a folder, here or of a hub, with its config, its weights and nothing else that is read."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from cfmrestore.hub import file_digest, read_meta
from cfmrestore.repository import Repository, fetch, named_repository

CONFIG, WEIGHTS = "config.json", "model.safetensors"
LIBRARY = "cfmrestore"
PLACES = ("path", "mirrors", "folder", "weights")  # keys of plugins that name a file, a folder or a repository


def find_repository(repository: Repository, *, token: str | None = None, cache_dir: str | Path | None = None) -> Path:
    """The weights of a repository, in the cache; none are loaded of what is no model of this library."""
    folder = fetch(repository, CONFIG, token=token, cache_dir=cache_dir)
    read_config(folder, str(repository))
    fetch(repository._replace(revision=folder.name), WEIGHTS, token=token, cache_dir=cache_dir)
    return find_published(folder, str(repository))


def find_published(folder: Path, name: str) -> Path:
    """The weights in a folder, if they are those that were published."""
    config, file = read_config(folder, name), folder / WEIGHTS
    if not file.is_file():
        raise ValueError(f"{name} lacks its file {WEIGHTS}: put it beside {CONFIG}, or load the model again")
    actual = file_digest(file, digits=64)
    if actual != config["sha256"]:
        raise ValueError(
            f"{name}: {WEIGHTS} has the sha256 {actual}, and {CONFIG} says {config['sha256']}: the file is damaged or "
            f"another one; remove {folder} and load the model again"
        )
    if read_meta(file).get("model") != config["model"]:
        raise ValueError(f"{name}: {CONFIG} describes another model than {WEIGHTS}: publish it again to change it")
    return file


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """What a model is: its card, the sha256 of its weights, and of what it is built."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{name}: {CONFIG} is no JSON ({error}): load or publish the model again") from error
    if not isinstance(config, dict) or config.get("library_name") != LIBRARY:
        raise ValueError(f"{name} is no model of {LIBRARY}: its {CONFIG} does not say library_name {LIBRARY!r}")
    if not isinstance(config.get("sha256"), str) or not isinstance(config.get("model"), dict):
        raise ValueError(f"{name}: {CONFIG} lacks the sha256 of {WEIGHTS}, or the model: publish it again")
    check_places(config["model"], name)
    return config


def check_places(model: Mapping[str, Any], name: str) -> None:
    """Refuse what leads out of the folder: a published model names no places but repositories."""
    for key, text in _texts(model):
        posix, windows = PurePosixPath(text), PureWindowsPath(text)
        leaves = posix.is_absolute() or windows.drive or windows.root or text.startswith("~") or ".." in windows.parts
        if leaves or (key in PLACES and named_repository(text) is None):
            raise ValueError(
                f"{name}: its {key} is {text!r}, a place of one machine; what is published names repositories of a hub "
                "(publish --encoder ORG/NAME)"
            )


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """All texts, with the key under which they stand."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, str(name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, key)
    elif isinstance(value, str):
        yield key, value
