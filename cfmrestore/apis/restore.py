"""Restoration of image files: some, a folder, in one process or many."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore._version import __version__
from cfmrestore.engine import checkpoints
from cfmrestore.engine.jobs import TimeLeft, run_jobs
from cfmrestore.hub import file_digest
from cfmrestore.imageio import (
    EXTENSIONS,
    SUFFIXES,
    check_writable,
    color_of,
    flattened,
    read_picture,
    write_picture,
)
from cfmrestore.imageio.atomic import check_free
from cfmrestore.imageio.picture import Metadata, Picture
from cfmrestore.restore import Restorer, Settings
from cfmrestore.restore.auto_model import AUTO, choose_for, covering, faults_of
from cfmrestore.restore.inputs import Item, find_items
from cfmrestore.restore.records import BY_NAME, Records
from cfmrestore.restore.scale_passes import target_size
from cfmrestore.restore.spread import spread_numbers, spread_picture, top_of
from cfmrestore.restore.stages import Stage, build, find_model

_LOOKED_AT = 8  # pictures, for the warning of what --consistency keeps


@dataclass(frozen=True)
class RestoreJob:
    """One image to restore."""

    item: Item
    result: Path
    files: list[Path]  # that it writes: the result, or numbered samples and where they differ, in color and in numbers
    model: str | Path = AUTO
    reason: str = ""  # for which the model was chosen

    def __str__(self) -> str:
        return str(self.item)


@dataclass(frozen=True)
class RestoreRun:
    """Restorer and settings that all images of a run share."""

    restorer: Restorer
    settings: Settings
    samples: int
    quality: int
    background: tuple[int, int, int] | None
    records: Records | None

    def done(self, job: RestoreJob) -> bool:
        """Whether a run before has made it, in the same way."""
        if self.records is not None:
            needed = job.files if self.samples == 1 else job.files[:-1]  # earlier versions wrote no numbers
            return self.records.done(job.result, job.item.path, needed)
        check_free(job.files)
        return False


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
    background: str | None = None,
    overwrite: bool = False,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    precision: str = "auto",
    backend: str = "torch",
    cuda_graphs: bool = False,
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Restore image files; returns the files that this process wrote.

    Results that are there already are left as they are, so that a run that was broken off goes on where it stopped;
    results of another input, model or setting are refused. What fails is named at the end, and the rest is done.

    Args:
        inputs: Images, folders that are searched deeply, but for results in folders below them, and patterns such as
            ``photos/*.jpg``.
        model: As for ``Restorer.from_pretrained``; or "auto", which takes for each image the bundled one that it needs.
        out: Folder of the results, which have the names of the inputs; or the file, where there is one input.
        settings: How to restore.
        samples: Restorations of each image, numbered, with where they differ: colored (_spread), and in numbers
            (_spread_levels).
        suffix: What the names of results end with, such as "_x4".
        format: "png", "jpg", "webp", "avif" or "tif"; by default the input's, or png where that is not written.
        quality: Of JPEG and WebP.
        background: Color before which pictures with transparency are laid first, such as "white" or "#204060".
        overwrite: Make results again that are there.
        config: The config of the model, for checkpoints that do not say it themselves.
        options: Dotted keys of that config and their values.
        device: "auto", "cpu", "cuda" ...
        precision: "auto", "fp32", "bf16" or "fp16".
        backend, cuda_graphs: As of ``Restorer``.
        part: (i, n) does the i-th of n shares of the images.
    """
    settings = settings or Settings()
    if samples < 1:
        raise ValueError(f"samples must be 1 or more; got {samples}")
    check_quality(quality)
    behind = None if background is None else color_of(background)
    if model == AUTO and config is not None:
        raise ValueError("a config is that of a checkpoint: name it with --model")
    out, known = Path(out), Records(Path(out), {})
    items = originals(find_items(inputs), known)
    jobs = plan_jobs(items, out, suffix=suffix, format=format, samples=samples)
    single = bool(jobs) and jobs[0].result == out
    share = [_with_model(job, model, settings.scale) for job in jobs[part[0] :: part[1]]]
    evaluated = {} if backend == "torch" else {"backend": backend}
    runs: dict[str | Path, RestoreRun] = {}
    names = [job.model for job in share] or [model] * (model != AUTO)
    for name in dict.fromkeys(names):
        machine = {"device": device, "precision": precision, "backend": backend}
        restorer = load_restorer(name, config, options, **machine, cuda_graphs=cuda_graphs)
        _check_sampling(restorer, settings, samples)
        recipe = {**recipe_of(restorer, settings, options), "samples": samples, "quality": quality}
        recipe |= {} if background is None else {"background": background}
        records = None if single else Records(out, {**recipe, "precision": precision} | evaluated, BY_NAME)
        runs[name] = RestoreRun(restorer, settings, samples, quality, behind, records)
    todo = share if overwrite else not_done(share, lambda job: runs[job.model].done(job))
    for job in todo:
        if job.reason:
            print(f"{job}: {job.model}, for {job.reason}", file=sys.stderr)
    if settings.consistency:
        _warn_of_consistency(todo)
    clock = TimeLeft([job.item.weight for job in todo])
    done = run_jobs(partial(restore_one, runs, clock), todo, progress=clock)
    return [file for files in done for file in files]


def originals(items: Sequence[Item], known: Records) -> list[Item]:
    """The items that are no results: of this folder, or in others below a folder that is searched, which is said."""
    kept = [item for item in items if not known.knows(item.path)]
    folders = {item: _results_of(item) for item in kept}
    if found := sorted({str(folder) for folder in folders.values() if folder is not None}):
        count = sum(folder is not None for folder in folders.values())
        print(f"{count} in {', '.join(found)} are results of runs before, and left out", file=sys.stderr)
    return [item for item in kept if folders[item] is None]


def _results_of(item: Item) -> Path | None:
    """The folder, below the one that was searched, of which an item is a result."""
    below = item.path.parents[: len(item.name.parents) - 1] if item.searched else ()
    return next((folder for folder in below if Records(folder, {}).made(item.path)), None)


def check_quality(quality: int) -> None:
    """Refuse what no file has."""
    if not 1 <= quality <= 100:
        raise ValueError(f"quality lies between 1 and 100; got {quality}")


def _check_sampling(restorer: Restorer, settings: Settings, samples: int) -> None:
    """What is wrong in the settings is wrong for all images."""
    drawn = [stage.sampling(settings) for stage in restorer.stages]
    if samples > 1 and all(one.fidelity == 1 for one in drawn):
        raise ValueError(
            f"at fidelity 1 nothing is drawn, so {samples} samples would be the same: give a lower fidelity"
        )
    restorer.check(settings)


def _warn_of_consistency(jobs: Sequence[RestoreJob]) -> None:
    """Said in a line: what equals its input, shrunk, has its faults."""
    shown = ((job, faults_of(job.item.path)) for job in jobs[:_LOOKED_AT])
    if found := next((f"{job}: {faults}" for job, faults in shown if faults), None):
        print(f"--consistency keeps what is wrong with the input, such as JPEG or noise ({found})", file=sys.stderr)


def not_done(jobs: Sequence[RestoreJob], done: Callable[[RestoreJob], bool]) -> list[RestoreJob]:
    """The jobs that no run before has done; how many others there are is said."""
    todo = [job for job in jobs if not done(job)]
    if len(todo) < len(jobs):
        there = f"{len(jobs) - len(todo)} of {len(jobs)}"
        print(f"{there} are there already (--overwrite makes them again)", file=sys.stderr)
    return todo


def _with_model(job: RestoreJob, model: str | Path, scale: float | None) -> RestoreJob:
    """The job with the model that is named, or under "auto" with the one that the picture needs."""
    if model != AUTO:
        return replace(job, model=model)
    try:
        choice = choose_for(job.item.path, scale)
    except (OSError, ValueError):  # a bad file, which is named beside the others that are done
        return replace(job, model=covering((), scale))
    return replace(job, model=choice.model, reason=choice.reason)


def load_restorer(
    model: str | Path, config: str | Path | None, options: Mapping[str, Any] | None, **machine: Any
) -> Restorer:
    """A restorer of a checkpoint that describes itself, or with the config of one that does not.

    Args:
        model, config, options: As of ``restore``.
        machine: How ``Restorer`` runs it.
    """
    if config is None:
        if options:
            raise ValueError("--cfg-options change a config: give it with --config")
        return Restorer.from_pretrained(model, **machine)
    from cfmrestore.engine.config.load import load_config  # checks by all that trains, a quarter second of imports

    path = find_model(model)
    described = {**load_config(config, options).model}
    flow = build({**described, "data_preprocessor": None}, None, str(config))
    checkpoints.load_weights(flow, checkpoints.load(path)["state_dict"], path)
    return Restorer([Stage(flow, file=path)], **machine)


def plan_jobs(items: Sequence[Item], out: Path, *, suffix: str, format: str | None, samples: int) -> list[RestoreJob]:
    """Where every result goes; no two to one place, none onto an input."""
    if Path(suffix).name != suffix:
        raise ValueError(f"the suffix becomes part of a name; got {suffix!r}")
    single = len(items) == 1 and out.suffix.lower() in SUFFIXES and not out.is_dir()
    if (out.exists() and not out.is_dir() and not single) or (out.suffix.lower() in SUFFIXES and len(items) > 1):
        raise ValueError(f"{str(out)!r} is a file: name a folder for {len(items)} results")
    if out.suffix.lower() in EXTENSIONS - SUFFIXES.keys() and not out.is_dir():
        raise ValueError(f"{out.suffix} is not written: name a folder, or a file of {' '.join(SUFFIXES)}")
    if single and format is not None and SUFFIXES[out.suffix.lower()] != SUFFIXES[f".{format}"]:
        raise ValueError(f"the format {format} does not fit the file {str(out)!r}: leave it out, or name another file")
    jobs = []
    for item in items:
        result = out if single else out / item.renamed(suffix, format)
        numbered = [result.with_stem(f"{result.stem}_{index}") for index in range(samples)]
        spread = [result.with_name(f"{result.stem}_{name}.png") for name in ("spread", "spread_levels")]
        jobs.append(RestoreJob(item, result, [result] if samples == 1 else [*numbered, *spread]))
    places = [path for job in jobs for path in job.files]
    if len(set(places)) < len(places):
        twice = next(place for place in places if places.count(place) > 1)
        named = ", ".join(str(job) for job in jobs if twice in job.files)
        raise ValueError(f"several images would be written to {twice}: {named}. Rename them, or name their folder")
    sources = {item.path.resolve() for item in items}
    if onto := [place for place in places if place.resolve() in sources]:
        raise ValueError(f"{onto[0]} would be replaced by a restoration: name another folder, or a --suffix")
    return jobs


def restore_one(runs: Mapping[str | Path, RestoreRun], clock: TimeLeft, job: RestoreJob) -> list[Path]:
    """Read, restore, write, and say how it was made."""
    run = runs[job.model]
    picture = read_input(job.item.path, run.background)
    size = target_size(picture.size, run.settings.scale or run.restorer.scale)
    check_writable(job.result, size, alpha=picture.has_alpha, bits=picture.bits)
    clock.set_size(picture.size)
    if run.samples == 1:
        images = [run.restorer.restore(picture, run.settings, clock.update)[0]]
    else:
        drawn = run.restorer.sample(picture, count=run.samples, on_progress=clock.update, **asdict(run.settings))
        colored = np.asarray(spread_picture(drawn.spread, legend=False))
        images = [*drawn.images, _planes(colored), _planes(spread_numbers(drawn.spread))]
        clock.say(f"{job.files[-2]}: its brightest color is {top_of(drawn.spread)} levels of 255, or more")
    if run.records is not None:
        run.records.forget(job.result)
    for file, image in zip(job.files, images, strict=True):
        write_picture(file, image, quality=run.quality)
    if run.records is not None:
        run.records.write(job.result, job.item.path)
    return job.files


def read_input(path: Path, background: tuple[int, int, int] | None) -> Picture:
    """A picture, before a color if that is asked for."""
    picture = read_picture(path)
    return picture if background is None else flattened(picture, background)


def _planes(pixels: np.ndarray) -> Picture:
    return Picture(pixels, Metadata(), "png")


def recipe_of(restorer: Restorer, settings: Settings, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """What decides how results look, whatever the tiles; the version is recorded and not compared."""
    changed = {key: value for key, value in asdict(settings).items() if value is not None and key != "tile"}
    files = [stage.file for stage in restorer.stages if stage.file is not None]
    return {
        "version": __version__,
        "models": [{"name": file.name, "sha256": file_digest(file)} for file in files],
        "settings": changed,
        "options": {key: str(value) for key, value in (options or {}).items()},
    }
