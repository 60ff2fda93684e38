"""Pictures of several folders side by side, as they are."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cfmrestore.engine.panels import caption, framed, stack, write_jpeg, write_png
from cfmrestore.evaluation.folders import match_files
from cfmrestore.imageio import read_image
from cfmrestore.imageio.atomic import check_free
from cfmrestore.reports.json_csv import write_json

_WRITERS = {".png": write_png, ".jpg": write_jpeg}


def sheet(
    folders: Mapping[str, str | Path],
    *,
    out: str | Path = "sheet.png",
    count: int | None = None,
    crop: int | None = None,
    blind: bool = False,
    seed: int = 0,
    overwrite: bool = False,
) -> list[list[str]]:
    """Put the pictures of one name in a row, pixel for pixel; returns the labels of each row, from left to right.

    Args:
        folders: Folders by label. A smaller picture is shown larger by a whole factor, its pixels as squares.
        out: The sheet, ``.png`` or ``.jpg``.
        count: Rows; pictures are taken evenly from all names. Without, all.
        crop: Show a square of that side from where the largest pictures of a row have most contrast; without, all.
        blind: Shuffle each row and write no label; the labels go into a JSON file beside the sheet.
        seed: Of the shuffling.
        overwrite: Replace a sheet that is there.
    """
    out = Path(out)
    if (
        out.suffix not in _WRITERS
        or not folders
        or (count is not None and count < 1)
        or (crop is not None and crop < 1)
    ):
        raise ValueError(
            f"a sheet is a .png or .jpg file of one or more folders, rows and pixels; got {str(out)!r}, "
            f"{len(folders)} folders, {count=}, {crop=}"
        )
    check_free([out, *([out.with_suffix(".json")] if blind else [])], overwrite)
    files = match_files(folders)
    names = sorted(files)
    chosen = names if count is None else [names[n * len(names) // count] for n in range(min(count, len(names)))]
    rng, rows, labels = np.random.default_rng(seed), [], list[list[str]]()
    for name in chosen:
        order = list(rng.permutation(list(folders))) if blind else list(folders)
        labels.append([str(label) for label in order])
        rows.append(_row(name, files[name], labels[-1], crop, blind))
    _WRITERS[out.suffix](out, stack(rows))
    if blind:
        write_json(out.with_suffix(".json"), dict(zip(chosen, labels, strict=True)))
    return labels


def _row(name: str, files: Mapping[str, Path], order: list[str], crop: int | None, blind: bool) -> np.ndarray:
    read = {label: read_image(files[label]) for label in order}
    largest = max(read, key=lambda label: read[label].shape[0])
    pictures = {label: _enlarged(pixels, read[largest].shape, label, name) for label, pixels in read.items()}
    if crop is not None:
        top, left = _busiest(read[largest], crop)
        pictures = {label: pixels[top : top + crop, left : left + crop] for label, pixels in pictures.items()}
    labeled = [
        np.concatenate([caption("" if blind else label, pixels.shape[1]), pixels]) for label, pixels in pictures.items()
    ]
    row = np.concatenate([framed(one, one.shape[1] + 4) for one in labeled], axis=1)
    return np.concatenate([caption(name, row.shape[1]), row])


def _enlarged(pixels: np.ndarray, size: tuple[int, ...], label: str, name: str) -> np.ndarray:
    factor, rest = divmod(size[0], pixels.shape[0])
    if rest or factor * pixels.shape[1] != size[1]:
        raise ValueError(
            f"{name}: the picture of {label!r} is {pixels.shape[1]}x{pixels.shape[0]} and the largest "
            f"{size[1]}x{size[0]}, no whole multiple"
        )
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _busiest(pixels: np.ndarray, side: int) -> tuple[int, int]:
    """Where a square with the strongest gradients begins, on a grid of quarter squares."""
    gray = pixels.astype(np.float32).mean(axis=2)
    energy = np.abs(np.diff(gray, axis=0, append=gray[-1:])) + np.abs(np.diff(gray, axis=1, append=gray[:, -1:]))
    total = np.pad(energy.cumsum(0, dtype=np.float64).cumsum(1), [(1, 0), (1, 0)])
    height, width = energy.shape
    places = [
        (top, left)
        for top in range(0, max(height - side, 0) + 1, max(side // 4, 1))
        for left in range(0, max(width - side, 0) + 1, max(side // 4, 1))
    ]

    def strength(place: tuple[int, int]) -> float:
        top, left = place
        bottom, right = min(top + side, height), min(left + side, width)
        return float(total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left])

    return max(places, key=strength)
