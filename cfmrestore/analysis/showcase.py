"""Showcase of a model: a table beside bicubic and the originals, and a picture of the same images."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore import model_zoo
from cfmrestore.analysis.commit import commit_of_checkout
from cfmrestore.apis.degrade import degrade
from cfmrestore.apis.evaluate import evaluate_folders
from cfmrestore.apis.restore import restore
from cfmrestore.datasets.frozen import MANIFEST, folders_of
from cfmrestore.engine.panels import caption, framed, middle, stack, to_pixels, write_jpeg
from cfmrestore.evaluation.folders import load_image, match_files
from cfmrestore.imageio.atomic import write_text
from cfmrestore.ops.resize import resize
from cfmrestore.reports.markdown import fill, format_number, metrics_table
from cfmrestore.restore import Restorer, Settings

_METRICS = ("psnr", "ssim", "haarpsi", "niqe", "lrconsistency")
_SIDE = 176  # of a detail in the picture
_ROWS = ("bicubic", "originals", "fidelity 0", "fidelity 1", "frozen")


Methods = Mapping[str, tuple[str, Settings]]  # models and settings, by the titles of rows
Pairs = tuple[Path, Path]  # folders of targets and of inputs
Rows = dict[str, dict[str, float | None]]  # what is measured, by titles and then by columns


def showcase(
    model: str,
    sets: Mapping[str, str],
    out: str | Path,
    *,
    preset: str | None = None,
    split: str = "all",
    beside: Mapping[str, str] | None = None,
    picture: str | Path | None = None,
    page: str | Path | None = None,
    results: str | Path | None = None,
) -> str:
    """Degrade, restore at both ends of the dial, measure, draw; returns the table.

    Args:
        model: As for ``Restorer.from_pretrained``.
        sets: Names and folders: "HIGH,LOW" for pairs, "HIGH" for photographs that the preset degrades, or a frozen set.
        out: Folder for all images, of which nothing is kept that was there.
        preset: A file of configs/degradations, or the path of one; by default that of the model's card.
        split: Of photographs, as for ``ImageFolder``.
        beside: Names of other models, and where they lie: they are restored with as they are.
        picture: A JPEG file of details of the first set.
        page: A text file, in which the table takes the place between two lines ``<!-- MODEL: begin -->`` and ``end``.
        results: A JSON file of the tables, with the command, the commit and the protocol, as docs/results has them.
    """
    out, preset = Path(out), preset or model_zoo.cards().get(model, {}).get("degradation")
    if page is not None:
        fill(page, model, "", check=True)
    names = [*sets, *(beside or {})]
    if wrong := [name for name in names if not re.fullmatch(r"[\w][\w .,-]*", name) or name in _ROWS]:
        raise ValueError(f"{', '.join(map(repr, wrong))}: names are words, and none of {', '.join(_ROWS)}")
    pairs = {name: _pairs(name, where, out / name, preset, split) for name, where in sets.items()}
    dial = {f"fidelity {end:g}": (model, Settings(fidelity=end)) for end in (1.0, 0.0)}
    methods = {**dial, **{name: (place, Settings()) for name, place in (beside or {}).items()}}
    measured = {name: _measured(folders, methods, out / name) for name, folders in pairs.items()}
    tables = [metrics_table(name, rows, format_number) for name, rows in measured.items()]
    for name, table in zip(measured, tables, strict=True):
        write_text(out / name / "table.md", table)
    if picture is not None:
        name, folders = next(iter(pairs.items()))
        write_jpeg(picture, draw_details(folders, list(dial), out / name))
    text = "\n".join(tables)
    if page is not None:
        fill(page, model, text)
    if results is not None:
        write_text(results, json.dumps(_described(model, measured), indent=1, ensure_ascii=False) + "\n")
    return text


def _described(model: str, measured: Mapping[str, Rows]) -> dict[str, Any]:
    """The tables as texts, and how they came about."""
    columns = {
        name: list(dict.fromkeys(key for row in rows.values() for key in row)) for name, rows in measured.items()
    }
    tables = {
        name: {title: {key: format_number(row.get(key)) for key in columns[name]} for title, row in rows.items()}
        for name, rows in measured.items()
    }
    return {
        "what": f"The model `{model}`: {model_zoo.cards().get(model, {}).get('what', 'not a bundled one')}",
        "command": shlex.join(["python", *sys.argv]),
        "commit": commit_of_checkout(),
        "protocol": "classic_y",
        "tables": tables,
    }


def _pairs(name: str, where: str, out: Path, preset: str | None, split: str) -> Pairs:
    folders = folders_of(name, where)
    if len(folders) == 2:
        return folders[0], folders[1]
    if preset is None:
        raise ValueError(f"{name}: the model's card names no degradation: give a --preset, or pairs as HIGH,LOW")
    frozen = out / "frozen"
    if (frozen / MANIFEST).is_file():
        shutil.rmtree(frozen)
    degrade(folders[0], preset, frozen, split=split, freeze=True)
    return frozen / "high", frozen / "low"


def _measured(pairs: Pairs, methods: Methods, out: Path) -> Rows:
    """Rows of the table, by their titles."""
    rows: Rows = {}
    high, low = pairs
    for title, (model, settings) in methods.items():
        restored = out / title
        shutil.rmtree(restored, ignore_errors=True)  # of other images, perhaps
        restore([low], model, restored, settings=settings, format="png")
        result = evaluate_folders(restored, high, low=low, metrics=_METRICS, out=f"{restored}.json")
        measured = next(iter(result["benchmarks"].values()))["rows"]
        rows["bicubic"] = measured["bicubic"]
        rows[title] = {**measured["restored"], "NFE": Restorer.from_pretrained(model).nfe(settings)}
    originals = evaluate_folders(high, low=low, metrics=["niqe"])
    rows["originals"] = next(iter(originals["benchmarks"].values()))["rows"]["restored"]
    return rows


def draw_details(pairs: Pairs, methods: Sequence[str], out: Path) -> np.ndarray:
    """A line an image, of the middle: the input, bicubic, the methods, the original."""
    lines, (high_folder, low_folder) = [], pairs
    for name, files in match_files({"restored": high_folder, "target": high_folder, "low": low_folder}).items():
        low, high = load_image(files["low"]), load_image(files["target"])
        scale = round(high.shape[-1] / low.shape[-1])
        columns = {"the input": low.repeat_interleave(scale, 1).repeat_interleave(scale, 2)}
        columns["bicubic"] = resize(low[None], scale=scale)[0]
        columns.update({method: load_image(out / method / f"{name}.png") for method in methods})
        columns["the original"] = high
        details = [framed(to_pixels(middle(image, _SIDE)), _SIDE) for image in columns.values()]
        lines.append(np.concatenate(details, axis=1))
    head = np.concatenate([caption(title, _SIDE) for title in columns], axis=1)
    return stack([head, *lines])
