"""Publishing of a model as a repository of a hub: its config, its weights, its page and pictures."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cfmrestore import model_zoo
from cfmrestore.analysis.model_page import CURVES, model_page
from cfmrestore.analysis.publish import publish
from cfmrestore.engine import checkpoints
from cfmrestore.hub import read_meta
from cfmrestore.imageio.atomic import atomic, write_text
from cfmrestore.reports.json_csv import write_json
from cfmrestore.repository import PREFIX, named_repository, push
from cfmrestore.restore.published import CONFIG, LIBRARY, WEIGHTS, check_places, read_config
from cfmrestore.restore.stages import find_model, load_flow

PAGE, LOG = "README.md", "training.csv"
_PICTURE = re.compile(r"[\w-][\w.-]*\.(png|jpe?g|webp)", re.ASCII | re.IGNORECASE)


def publish_repository(
    work_dir: str | Path,
    name: str,
    out: str | Path,
    *,
    sampling: Mapping[str, Any] | None = None,
    card: Mapping[str, str] | None = None,
    encoder: str | None = None,
    half: bool = False,
    average: Sequence[str | Path] = (),
    pictures: Sequence[str | Path] = (),
    place: str | None = None,
) -> list[str]:
    """Write a folder that ``from_pretrained`` takes, here and from a hub; returns the names of its files.

    They are config.json, with the sha256 of the weights; model.safetensors; README.md, whose head a hub reads; the log
    of the training and its curves; and the pictures.

    Args:
        work_dir, name, sampling, card, encoder, half, average: As for ``publish``; the card must have a license.
        out: The folder: empty, or of a model that was published before.
        pictures: Files of the model's results, shown on its page.
        place: What others load it by, for its page; by default the name.
    """
    out, shown = Path(out), [Path(one) for one in pictures]
    _check_folder(out)
    _check_pictures(shown)
    with TemporaryDirectory() as folder:
        how: dict[str, Any] = {"sampling": sampling, "card": card, "encoder": encoder, "half": half, "average": average}
        file = publish(work_dir, name, folder, **how)
        entry = model_zoo.cards(Path(folder))[name]
        model = read_meta(file)["model"]
        check_places(model, name)
        if "license" not in entry:
            raise ValueError(f"{name}: say how it may be used: --card license=apache-2.0, or in words")
        flow = load_flow(file, None if encoder is None else _own_encoder(work_dir))
        copies = {WEIGHTS: file, LOG: file.with_suffix(".csv"), CURVES: file.with_suffix(".png")}
        copies |= {one.name: one for one in shown}
        for target, source in copies.items():
            with atomic(out / target) as unfinished:
                shutil.copyfile(source, unfinished)
    write_text(out / PAGE, model_page(name, place or name, entry, flow, [one.name for one in shown]))
    write_json(out / CONFIG, {"library_name": LIBRARY, "name": name, **entry, "model": model})
    return [CONFIG, PAGE, *copies]


def publish_to_hub(
    work_dir: str | Path,
    name: str,
    repository: str,
    *,
    revision: str | None = None,
    out: str | Path | None = None,
    private: bool = False,
    token: str | None = None,
    **keys: Any,
) -> str:
    """Publish as a repository and push it; returns the address of the commit.

    Args:
        work_dir, name: As for ``publish``.
        repository: ``org/name``; it is made where there is none.
        revision: A branch, which is made where there is none; by default the main one.
        out: Where the files stay; by default nowhere.
        private: Whether only the organization sees it.
        token: By default that of HF_TOKEN, or of ``hf auth login``.
        keys: The others of ``publish_repository``.
    """
    target = named_repository(PREFIX + repository.removeprefix(PREFIX), revision)
    assert target is not None  # with the prefix it is a repository or refused
    with TemporaryDirectory() as temporary:
        folder = Path(out or temporary)
        files = publish_repository(work_dir, name, folder, place=str(target), **keys)
        return push(folder, files, target, private=private, token=token)


def _check_folder(out: Path) -> None:
    """Nothing of others is replaced."""
    if out.is_dir() and any(out.iterdir()):
        try:
            read_config(out, str(out))
        except (OSError, ValueError) as error:
            raise ValueError(f"{str(out)!r} holds other files than a published model: name an empty folder") from error


def _check_pictures(pictures: Sequence[Path]) -> None:
    names = [one.name for one in pictures]
    for one in pictures:
        if not one.is_file():
            raise ValueError(f"there is no picture {str(one)!r}")
        if not _PICTURE.fullmatch(one.name) or one.name == CURVES or names.count(one.name) > 1:
            raise ValueError(
                f"{one.name!r}: pictures are PNG, JPEG or WebP; letters, digits, _, - and . make their names, each once"
            )


def _own_encoder(work_dir: str | Path) -> dict[str, Any]:
    """Where the autoencoder lies here."""
    encoder = checkpoints.load(find_model(work_dir))["meta"]["model"]["encoder"]
    return {"path": encoder["path"]}
