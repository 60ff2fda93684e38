"""Restoring image files: some, a folder, in one process or many."""

import errno
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore._version import __version__
from cfmrestore.apis.config import load_config
from cfmrestore.apis.inputs import Item, find_items
from cfmrestore.apis.time_left import TimeLeft
from cfmrestore.engine import checkpoints
from cfmrestore.engine.atomic import write_text
from cfmrestore.restore import Restorer, Settings
from cfmrestore.restore.files.picture import Picture
from cfmrestore.restore.files.reading import read_picture
from cfmrestore.restore.files.writing import check_writable, write_picture
from cfmrestore.restore.models import build, find
from cfmrestore.restore.passes import target_size
from cfmrestore.restore.spread import spread_picture

RECORD = "restored.json"


@dataclass(frozen=True)
class Run:
    """What all images of a run share."""

    restorer: Restorer
    settings: Settings
    samples: int = 1
    quality: int = 95


@dataclass(frozen=True)
class Job:
    """One image to restore."""

    item: Item
    result: Path

    def files(self, samples: int) -> list[Path]:
        """What it writes."""
        if samples == 1:
            return [self.result]
        numbered = [self.result.with_stem(f"{self.result.stem}_{index}") for index in range(samples)]
        return [*numbered, self.spread]

    @property
    def spread(self) -> Path:
        """The map of where samples differ."""
        return self.result.with_name(f"{self.result.stem}_spread.png")


def restore(
    inputs: Sequence[str | Path],
    model: str | Path,
    out: str | Path = "restored",
    *,
    settings: Settings | None = None,
    samples: int = 1,
    suffix: str = "",
    format: str | None = None,
    quality: int = 95,
    overwrite: bool = False,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    precision: str = "auto",
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Restore image files; returns the files that this process wrote.

    Files that are there already are left as they are, so that a run that was broken off goes on where it stopped; a
    folder with results of other settings is refused. What fails is named at the end, and the rest is done.

    Args:
        inputs: Images, folders that are searched deeply, and patterns such as ``photos/*.jpg``.
        model: As for ``Restorer.from_pretrained``.
        out: Folder of the results, which have the names of the inputs; or the file, where there is one input.
        settings: How to restore.
        samples: Restorations of each image, numbered, with a map of where they differ.
        suffix: What the names of results end with, such as "_x4".
        format: "png", "jpg", "webp" or "tif"; by default the input's, or png where that is not written.
        quality: Of JPEG and WebP.
        overwrite: Make results again that are there.
        config: The config of the model, for checkpoints that do not say it themselves.
        options: Dotted keys of that config and their values.
        device: "auto", "cpu", "cuda" ...
        precision: "auto", "fp32", "bf16" or "fp16".
        part: (i, n) does the i-th of n shares of the images.
    """
    asked = settings or Settings()
    if samples < 1 or not 1 <= quality <= 100:
        raise ValueError(f"need samples of 1 or more and a quality of 1 to 100; got {samples=}, {quality=}")
    jobs = plan_jobs(find_items(inputs), Path(out), suffix=suffix, format=format)
    restorer = load(model, config, options, device=device, precision=precision)
    own = jobs[part[0] :: part[1]]
    todo = own if overwrite else [job for job in own if not all(path.exists() for path in job.files(samples))]
    _keep_record(jobs, _recipe(model, asked, samples, options), overwrite=overwrite, samples=samples)
    if len(todo) < len(own):
        print(f"{len(own) - len(todo)} of {len(own)} are there already (--overwrite makes them again)", file=sys.stderr)
    return _restore_all(Run(restorer, asked, samples, quality), todo)


def load(
    model: str | Path,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    device: str = "auto",
    precision: str = "auto",
) -> Restorer:
    """A restorer of a checkpoint that describes itself, or with the config of one that does not."""
    if config is None:
        if options:
            raise ValueError("--cfg-options change a config: give it with --config")
        return Restorer.from_pretrained(model, device=device, precision=precision)
    path = find(model)
    described = {**load_config(config, options).model}
    flow = build({**described, "data_preprocessor": None}, None, str(config))
    checkpoints.load_weights(flow, checkpoints.load(path)["state_dict"], path)
    return Restorer(flow, device=device, precision=precision)


def plan_jobs(items: Sequence[Item], out: Path, *, suffix: str, format: str | None) -> list[Job]:
    """Where every result goes; no two to one place, none onto its input."""
    if Path(suffix).name != suffix:
        raise ValueError(f"the suffix becomes part of a name; got {suffix!r}")
    single = len(items) == 1 and out.suffix != "" and not out.is_dir()
    jobs = [Job(item, out if single else out / item.renamed(suffix, format)) for item in items]
    places = [job.result for job in jobs]
    if len(set(places)) < len(places):
        twice = next(place for place in places if places.count(place) > 1)
        raise ValueError(f"several images would be written to {twice}: rename those that differ by their suffix alone")
    sources = {item.path.resolve() for item in items}
    if onto := [job.result for job in jobs if job.result.resolve() in sources]:
        raise ValueError(f"{onto[0]} would be replaced by its own restoration: name another folder, or a --suffix")
    return jobs


def _restore_all(run: Run, jobs: Sequence[Job]) -> list[Path]:
    done: list[Path] = []
    failed: list[str] = []
    clock = TimeLeft([job.item.weight for job in jobs])
    for job in jobs:
        clock.begin(str(job.item))
        try:
            done += restore_one(run, job, clock)
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                clock.close()
                raise ValueError(
                    f"the disk is full: {len(done)} files are written, {job.result} and what follows are not. Make "
                    "room and run the same command again"
                ) from error
            failed.append(f"{job.item}: {error}")
        clock.end()
    clock.close()
    if failed:
        raise ValueError(f"{len(failed)} of {len(jobs)} failed, the others are done:\n  " + "\n  ".join(failed))
    return done


def restore_one(run: Run, job: Job, clock: TimeLeft) -> list[Path]:
    """Read, restore, write."""
    picture = read_picture(job.item.path)
    size = target_size(picture.size, run.settings.scale or run.restorer.scale)
    check_writable(job.result, size, alpha=picture.has_alpha, bits=picture.bits)
    clock.told(picture.size)
    if run.samples == 1:
        restored = run.restorer.restore(picture, run.settings, clock.update)[0]
        write_picture(job.result, restored, quality=run.quality)
        return [job.result]
    keys = asdict(run.settings)
    drawn = run.restorer.sample(picture, count=run.samples, on_progress=clock.update, **keys)
    files = job.files(run.samples)
    for file, image in zip(files, drawn.images, strict=False):
        write_picture(file, image, quality=run.quality)
    write_picture(job.spread, Picture(np.asarray(spread_picture(drawn.spread)), picture.metadata.__class__(), "png"))
    return files


def _recipe(model: str | Path, settings: Settings, samples: int, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """What decides how results look."""
    path = find(model)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    asked = {key: value for key, value in asdict(settings).items() if value is not None}
    changed = {key: str(value) for key, value in (options or {}).items()}
    made = {"version": __version__, "model": path.name, "sha256": digest, "settings": asked, "samples": samples}
    return {**made, "options": changed}


def _keep_record(jobs: Sequence[Job], recipe: dict[str, Any], *, overwrite: bool, samples: int) -> None:
    """Leave beside the results how they were made; do not mix results of several recipes."""
    folder = jobs[0].result.parent if len(jobs) == 1 else _folder_of([job.result for job in jobs])
    record = folder / RECORD
    there = any(path.exists() for job in jobs for path in job.files(samples))
    if record.is_file() and there and not overwrite:
        before = json.loads(record.read_text(encoding="utf-8"))
        if differing := sorted(key for key in recipe if key != "version" and before.get(key) != recipe[key]):
            raise ValueError(
                f"the results in {str(folder)!r} were made with another {', '.join(differing)} ({record.name} says "
                "which): write into another folder, or make them again with --overwrite"
            )
    write_text(record, json.dumps(recipe, indent=1) + "\n")


def _folder_of(places: Sequence[Path]) -> Path:
    shared = places[0].parent
    while not all(place.is_relative_to(shared) for place in places):
        shared = shared.parent
    return shared
