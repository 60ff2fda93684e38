"""What a model does, for a page: a table beside bicubic and the originals, and a picture of the same images."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cfmrestore.apis.degrade import degrade
from cfmrestore.apis.evaluate import evaluate_folders
from cfmrestore.apis.restore import restore
from cfmrestore.datasets.frozen import MANIFEST, folders_of
from cfmrestore.engine.panels import caption, framed, middle, stack, to_pixels, write_jpeg
from cfmrestore.evaluation.folders import load_image, match_files
from cfmrestore.imageio.atomic import write_text
from cfmrestore.ops.resize import resize
from cfmrestore.reports.markdown import fill, format_number, markdown_table
from cfmrestore.restore import Restorer, Settings, model_zoo

METRICS = ("psnr", "ssim", "haarpsi", "niqe", "lrconsistency")
_SIDE = 176  # of a detail in the picture
_ROWS = ("bicubic", "originals", "fidelity 0", "fidelity 1", "frozen")
Row = dict[str, float]


@dataclass(frozen=True)
class Way:
    """A row of the table: a model, and where on its dial."""

    title: str
    model: str
    settings: Settings


@dataclass(frozen=True)
class Pairs:
    """Targets and inputs of one set."""

    name: str
    high: Path
    low: Path


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
    """
    out, preset = Path(out), preset or model_zoo.cards().get(model, {}).get("degradation")
    if page is not None:
        fill(page, model, "", check=True)
    names = [*sets, *(beside or {})]
    if wrong := [name for name in names if not re.fullmatch(r"[\w][\w .,-]*", name) or name in _ROWS]:
        raise ValueError(f"{', '.join(map(repr, wrong))}: names are words, and none of {', '.join(_ROWS)}")
    pairs = [_pairs(name, where, out / name, preset, split) for name, where in sets.items()]
    ways = [Way("fidelity 1", model, Settings(fidelity=1.0)), Way("fidelity 0", model, Settings(fidelity=0.0))]
    ways += [Way(name, place, Settings()) for name, place in (beside or {}).items()]
    tables = []
    for one in pairs:
        rows = _measured(one, ways, out / one.name)
        tables.append(_table(one.name, rows))
        write_text(out / one.name / "table.md", tables[-1])
    if picture is not None:
        write_jpeg(picture, draw_details(pairs[0], ways[:2], out / pairs[0].name))
    text = "\n".join(tables)
    if page is not None:
        fill(page, model, text)
    return text


def _pairs(name: str, where: str, out: Path, preset: str | None, split: str) -> Pairs:
    folders = folders_of(name, where)
    if len(folders) == 2:
        return Pairs(name, *folders)
    if preset is None:
        raise ValueError(f"{name}: the model's card names no degradation: give a --preset, or pairs as HIGH,LOW")
    frozen = out / "frozen"
    if (frozen / MANIFEST).is_file():
        shutil.rmtree(frozen)
    degrade(folders[0], preset, frozen, split=split, freeze=True)
    return Pairs(name, frozen / "high", frozen / "low")


def _measured(pairs: Pairs, ways: Sequence[Way], out: Path) -> dict[str, Row]:
    """What stands in the table, by the titles of the rows."""
    rows: dict[str, Row] = {}
    for way in ways:
        restored = out / way.title
        shutil.rmtree(restored, ignore_errors=True)  # of other images, perhaps
        restore([pairs.low], way.model, restored, settings=way.settings, format="png")
        result = evaluate_folders(restored, pairs.high, low=pairs.low, metrics=METRICS, out=str(restored) + ".json")
        found = next(iter(result["benchmarks"].values()))["rows"]
        rows["bicubic"] = found["bicubic"]
        nfe = Restorer.from_pretrained(way.model).nfe(way.settings)
        rows[way.title] = {**found["restored"], **({} if nfe is None else {"NFE": nfe})}
    own = evaluate_folders(pairs.high, low=pairs.low, metrics=["niqe"])
    rows["originals"] = next(iter(own["benchmarks"].values()))["rows"]["restored"]
    return rows


def _table(name: str, rows: Mapping[str, Row]) -> str:
    columns = [*rows["bicubic"], "NFE"]
    cells = [[name, *columns]]
    cells += [[title, *(format_number(row.get(column)) for column in columns)] for title, row in rows.items()]
    return markdown_table(cells)


def draw_details(pairs: Pairs, ways: Sequence[Way], out: Path) -> np.ndarray:
    """A line an image, of the middle: the input, bicubic, the ways, the original."""
    lines = []
    folders = {"restored": pairs.high, "target": pairs.high, "low": pairs.low}
    for files in match_files(folders):
        low, high = load_image(files.paths["low"]), load_image(files.paths["target"])
        scale = high.shape[-1] // low.shape[-1]
        columns = {"the input": low.repeat_interleave(scale, 1).repeat_interleave(scale, 2)}
        columns["bicubic"] = resize(low[None], scale=scale)[0]
        columns.update({way.title: load_image(out / way.title / f"{files.name}.png") for way in ways})
        columns["the original"] = high
        details = [framed(to_pixels(middle(image, _SIDE)), _SIDE) for image in columns.values()]
        lines.append(np.concatenate(details, axis=1))
    head = np.concatenate([caption(title, _SIDE) for title in columns], axis=1)
    return stack([head, *lines])
