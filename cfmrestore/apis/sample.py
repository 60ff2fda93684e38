"""Drawing pictures into a folder: of classes, of label maps, or inpainted, in one process or many."""

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore._version import __version__
from cfmrestore.engine.jobs import TimeLeft, run_jobs
from cfmrestore.engine.panels import write_png
from cfmrestore.flows import Sampling
from cfmrestore.hub import file_digest
from cfmrestore.imageio import images_by_name, list_images, read_image, read_label_map
from cfmrestore.imageio.atomic import check_free
from cfmrestore.restore.masks import mask_files, mask_of
from cfmrestore.restore.records import Records
from cfmrestore.restore.sampler import Sampler, to_pil
from cfmrestore.typing import Size

_GRID_PICTURES = 100  # of the sheet, at most


@dataclass(frozen=True)
class Picture:
    """One picture to draw.

    Args:
        file: Where it is written.
        seed: Its seed.
        label: Its class.
        map: File of its label map.
        image: File of the image whose holes are filled.
        mask: File of the holes.
    """

    file: Path
    seed: int
    label: int | None = None
    map: Path | None = None
    image: Path | None = None
    mask: Path | None = None

    def recipe(self) -> dict[str, Any]:
        """What it is drawn from."""
        files = {"map": self.map, "image": self.image, "mask": self.mask}
        digests = {name: file_digest(path) for name, path in files.items() if path is not None}
        return {"seed": self.seed, **({} if self.label is None else {"label": self.label}), **digests}


@dataclass
class SampleRun:
    """What all pictures of a run share, and what they took."""

    sampler: Sampler
    sampling: Sampling
    size: int | Size | None
    records: Records
    nfe: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    """Pictures that are drawn at once."""

    pictures: Sequence[Picture]

    def __str__(self) -> str:
        first, last = self.pictures[0].file.name, self.pictures[-1].file.name
        return first if len(self.pictures) == 1 else f"{first} to {last}"


def sample(
    model: str | Path,
    out: str | Path = "samples",
    *,
    count: int | None = None,
    classes: Sequence[int] = (),
    maps: str | Path | None = None,
    images: str | Path | None = None,
    masks: str | Path | None = None,
    size: int | Size | None = None,
    seed: int = 0,
    batch: int = 16,
    overwrite: bool = False,
    sampling: Mapping[str, Any] | None = None,
    device: str = "auto",
    precision: str = "auto",
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Draw pictures as PNG files; returns those that this process wrote. A sheet of the first hundred is ``OUT.png``.

    Picture number i has the seed ``seed + i``, whatever the batch or the process. Those that are there are left as they
    are, so that a broken run goes on; those of another model or setting are refused.

    Args:
        model: As for ``Sampler.from_pretrained``.
        out: Folder of the pictures.
        count: How many; by default one a class or file.
        classes: Classes, in turn.
        maps: A label map, or a folder of them, in turn: images whose levels are classes.
        images: An image to inpaint, or a folder of them, in turn.
        masks: Their masks, by the same names: white is a hole.
        size: Side, or height and width; by default the model's.
        seed: Of the first picture.
        batch: How many at once.
        overwrite: Draw pictures again that are there.
        sampling: Keys of ``Sampling`` to change.
        device: As for ``Sampler``.
        precision: As for ``Sampler``.
        part: (i, n) draws the i-th of n shares.
    """
    if batch < 1 or (count is not None and count < 1):
        raise ValueError(f"count and batch are 1 or more; got {count} and {batch}")
    sampler = Sampler.from_pretrained(model, device=device, precision=precision)
    chosen, folder = sampler.settings(**(sampling or {})), Path(out)
    _check_sheet(folder, [images, masks, maps], overwrite)
    pictures = plan(sampler, folder, count, classes, maps, images, masks, seed)
    run = SampleRun(sampler, chosen, size, Records(folder, recipe_of(sampler, chosen, size, precision)))
    share = pictures[part[0] :: part[1]]
    todo = [one for one in share if overwrite or not run.records.done_as(one.file, one.recipe(), [one.file])]
    if len(todo) < len(share):
        there = len(share) - len(todo)
        print(f"{there} of {len(share)} are there already (--overwrite draws them again)", file=sys.stderr)
    one_by_one = maps is not None or images is not None  # of sizes of their own
    step = 1 if one_by_one else batch
    batches = [Batch(todo[first : first + step]) for first in range(0, len(todo), step)]
    clock, began = TimeLeft([float(len(one.pictures)) for one in batches]), time.perf_counter()
    written = [file for files in run_jobs(partial(draw_batch, run), batches, progress=clock) for file in files]
    if written:
        seconds = time.perf_counter() - began
        print(f"{max(run.nfe)} evaluations and {seconds / len(written):.2f} seconds a picture")
    if all(one.file.is_file() for one in pictures):
        write_grid(sheet_of(folder), [one.file for one in pictures[:_GRID_PICTURES]])
    return written


def plan(
    sampler: Sampler,
    folder: Path,
    count: int | None,
    classes: Sequence[int],
    maps: str | Path | None,
    images: str | Path | None,
    masks: str | Path | None,
    seed: int,
) -> list[Picture]:
    """All pictures of a run, in their order."""
    needed = {name for one in sampler.flow.conditions.parts for name in one.needs}
    offered = {"label": bool(classes), "map": maps is not None, "low": images is not None, "mask": masks is not None}
    flags = {"label": "--classes", "map": "--maps", "low": "--images", "mask": "--masks"}
    if sampler.flow.coupling.needs_input:
        needed.add("low")
    for name, flag in flags.items():
        if offered[name] != (name in needed):
            verb = "needs" if name in needed else "takes no"
            raise ValueError(f"this model {verb} {flag}")
    of_maps, of_images = files_of(maps), files_of(images)
    of_masks = [] if images is None or masks is None else mask_files(images_by_name(images), masks)
    number = count or max(len(classes), len(of_maps), len(of_images), 1)
    digits = max(5, len(str(number - 1)))
    pictures = []
    for index in range(number):
        label = classes[index % len(classes)] if classes else None
        turn = lambda files: files[index % len(files)] if files else None  # noqa: B023, E731 - called at once
        name = f"{index:0{digits}d}" + ("" if label is None else f"_{label}")
        pictures.append(
            Picture(folder / f"{name}.png", seed + index, label, turn(of_maps), turn(of_images), turn(of_masks))
        )
    return pictures


def files_of(place: str | Path | None) -> list[Path]:
    """The image files of a path."""
    if place is None:
        return []
    path = Path(place)
    return [path] if path.is_file() else list_images(path)


def draw_batch(run: SampleRun, batch: Batch) -> list[Path]:
    """Draw, write, and say how each was made."""
    given: dict[str, Tensor] = {}
    low = None
    first = batch.pictures[0]
    if first.label is not None:
        given["label"] = torch.tensor([one.label for one in batch.pictures])
    if first.map is not None:
        given["map"] = torch.from_numpy(read_label_map(first.map)).long()[None]
    if first.image is not None:
        low = torch.tensor(read_image(first.image)).permute(2, 0, 1)[None].float() / 255
    if first.mask is not None and low is not None:
        given["mask"] = mask_of(read_image(first.mask), low)
    seeds = [one.seed for one in batch.pictures]
    drawn = run.sampler.draw(seeds, run.sampling, size=run.size, low=low, given=given)
    run.nfe.append(drawn.nfe)
    for one, image in zip(batch.pictures, to_pil(drawn.image), strict=True):
        run.records.forget(one.file)
        write_png(one.file, np.asarray(image))
        run.records.write_as(one.file, one.recipe())
    return [one.file for one in batch.pictures]


def sheet_of(folder: Path) -> Path:
    """The file of the sheet: beside the folder, in which whatever measures its pictures would take it for one."""
    return Path(f"{folder.resolve()}.png")


def _check_sheet(folder: Path, read: Sequence[str | Path | None], overwrite: bool) -> None:
    """The sheet replaces that of the folder's pictures alone, and never what it is made of."""
    sheet = sheet_of(folder)
    if any(sheet.resolve() == Path(one).resolve() for one in read if one is not None):
        raise ValueError(f"{sheet} would be replaced by the sheet of {folder}: name another folder (--out)")
    if not Records(folder, {}).is_used:
        check_free([sheet], overwrite)


def write_grid(file: Path, pictures: Sequence[Path]) -> None:
    """A sheet of pictures of one size, or of the first one's."""
    images = [read_image(path) for path in pictures]
    height, width = images[0].shape[:2]
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    gap = 1 if min(height, width) < 64 else 2
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        part = image[:height, :width]
        sheet[top : top + part.shape[0], left : left + part.shape[1]] = part
    write_png(file, sheet)


def recipe_of(sampler: Sampler, sampling: Sampling, size: int | Size | None, precision: str) -> dict[str, Any]:
    """What decides how pictures look; the version is recorded and not compared."""
    settings = {**vars(sampling)}
    for key in ("solver", "grid"):
        settings[key] = {"type": type(settings[key]).__name__, **vars(settings[key])}
    digest = None if sampler.file is None else file_digest(sampler.file)
    recipe = {"version": __version__, "model": digest, "sampling": settings, "size": size, "precision": precision}
    return dict(json.loads(json.dumps(recipe, default=_said)))  # as it will be read


def _said(value: Any) -> str:
    """What JSON cannot hold, alike in every process: a function or an object whose repr is its address by its name."""
    if callable(value) or repr(value) == object.__repr__(value):
        return str(getattr(value, "__qualname__", type(value).__qualname__))
    return repr(value)
