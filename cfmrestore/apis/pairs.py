"""Writing a flow's own pairs, start and end, in one process or many."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore._version import __version__
from cfmrestore.apis.sample import recipe_of
from cfmrestore.datasets.pair_files import END, START, SUFFIX, PairsInfo, pack_pairs
from cfmrestore.engine.jobs import TimeLeft, run_jobs
from cfmrestore.flows.sampling import Sampling, sample
from cfmrestore.hub import file_digest
from cfmrestore.imageio.atomic import atomic
from cfmrestore.restore.records import Records
from cfmrestore.restore.sampler import Sampler
from cfmrestore.restore.starts import Starts, as_trained, starts_of

_DTYPES = {"float32": torch.float32, "float16": torch.float16}


@dataclass(frozen=True)
class PairsFile:
    """One file of pairs: those of these numbers."""

    file: Path
    numbers: range

    def __str__(self) -> str:
        return self.file.name


@dataclass(frozen=True)
class PairsRun:
    """What all files of a run share."""

    starts: Starts
    sampling: Sampling
    dtype: torch.dtype
    records: Records

    def recipe(self, job: PairsFile) -> dict[str, Any]:
        """What the pairs of a file are made of."""
        images = [file_digest(path) for path in self.starts.files(job.numbers)]
        return {"first": job.numbers.start, "count": len(job.numbers), "images": images}


def write_pairs(
    model: str | Path,
    count: int,
    out: str | Path,
    *,
    images: str | Path | None = None,
    classes: Sequence[int] = (),
    crop: int = 96,
    seed: int = 0,
    solver: str | None = None,
    num_intervals: int | None = None,
    guidance: float | None = None,
    dtype: str = "float32",
    batch: int = 64,
    overwrite: bool = False,
    device: str = "auto",
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Write starts and where the model's solver leads from each; returns the files that this process wrote.

    Pair number i has the seed ``seed + i``, whatever the process. Files that are there are left as they are, so that a
    broken run goes on; those of another model or setting are refused. ``FlowPairs`` reads them for training.

    Args:
        model: As for ``Sampler.from_pretrained``.
        count: How many pairs.
        out: Folder of the files.
        images: A file or folder of targets, from which the inputs of a model that restores are made.
        classes: Of a model that is told one, in turn; by default all.
        crop: Side of the square that is cut from an image, in pixels.
        seed: Of the first pair.
        solver: Its name; by default the model's.
        num_intervals: Of its grid; by default the model's.
        guidance: By default the model's.
        dtype: "float32" or "float16".
        batch: Pairs a file, which are made at once.
        overwrite: Make pairs again that are there.
        device: As for ``Sampler``.
        part: (i, n) writes the i-th of n shares of the files.
    """
    if count < 1 or batch < 1 or dtype not in _DTYPES:
        raise ValueError(
            f"count and batch are 1 or more, dtype is one of {', '.join(_DTYPES)}; got {count}, {batch}, {dtype!r}"
        )
    sampler = Sampler.from_pretrained(model, device=device, precision="fp32")
    sampling = as_trained(sampler.settings(solver=solver, num_intervals=num_intervals, guidance=guidance))
    starts, folder = starts_of(sampler, classes=classes, images=images, crop=crop, seed=seed), Path(out)
    recipe = recipe_of(sampler, sampling, crop if images is not None else None, "fp32")
    recipe |= {"version": __version__, "classes": list(starts.classes), "seed": seed, "dtype": dtype}
    run = PairsRun(starts, sampling, _DTYPES[dtype], Records(folder, recipe))
    jobs = [
        PairsFile(folder / f"{first // batch:06d}{SUFFIX}", range(first, min(first + batch, count)))
        for first in range(0, count, batch)
    ]
    share = jobs[part[0] :: part[1]]
    todo = [job for job in share if overwrite or not run.records.done_as(job.file, run.recipe(job), [job.file])]
    if len(todo) < len(share):
        print(f"{len(share) - len(todo)} of {len(share)} files are there already", file=sys.stderr)
    clock, began = TimeLeft([float(len(job.numbers)) for job in todo]), time.perf_counter()
    counts = run_jobs(partial(_write, run), todo, progress=clock)
    if counts:
        made = sum(len(job.numbers) for job in todo)
        print(f"{max(counts)} evaluations and {(time.perf_counter() - began) / made:.3g} seconds a pair")
    return [job.file for job in todo]


def _write(run: PairsRun, job: PairsFile) -> int:
    """One file; the evaluations that its pairs took each."""
    inputs, flow = run.starts.inputs(job.numbers), run.starts.sampler.flow
    start = run.starts.start(inputs, run.sampling)
    with torch.no_grad():
        solution = sample(start, flow.path, run.sampling)
    tensors: dict[str, Tensor] = {START: start.x_0.to(run.dtype), END: solution.x.to(run.dtype)}
    if inputs.low is not None:
        tensors["low"] = (inputs.low * 255).round().byte()
    tensors |= {key: value.byte() if key == "mask" else value for key, value in inputs.given.items()}
    file = run.starts.sampler.file
    info = PairsInfo(flow.encoder.digest(), None if file is None else file_digest(file), int(inputs.seeds[0]))
    run.records.forget(job.file)
    with atomic(job.file) as unfinished:
        unfinished.write_bytes(pack_pairs(tensors, info))
    run.records.write_as(job.file, json.loads(json.dumps(run.recipe(job))))
    return solution.nfe
