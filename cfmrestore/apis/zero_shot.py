"""Zero-shot restoration of image files, whose degradations are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cfmrestore._version import __version__
from cfmrestore.apis.restore import RestoreJob, check_quality, not_done, originals, plan_jobs, read_input
from cfmrestore.editing import Boundary
from cfmrestore.engine.jobs import TimeLeft, run_jobs
from cfmrestore.hub import file_digest
from cfmrestore.imageio import check_writable, color_of, read_picture, write_picture
from cfmrestore.imageio.atomic import check_free
from cfmrestore.restore.inputs import find_items
from cfmrestore.restore.masks import mask_files
from cfmrestore.restore.records import BY_NAME, Records
from cfmrestore.restore.zero_shot import ZeroShotRestorer


@dataclass(frozen=True)
class ZeroShotRun:
    """What all images of a run share."""

    restorer: ZeroShotRestorer
    degradation: str | None
    known: Path | None
    masks: Mapping[Path, Path]
    noise_level: float | None
    keys: dict[str, Any]
    quality: int
    background: tuple[int, int, int] | None
    records: Records | None

    def known_of(self, job: RestoreJob) -> Path | None:
        """The parameters of an image: in one file, or in the folder of sidecars by its name."""
        if self.known is None or self.known.is_file():
            return self.known
        found = self.known / job.item.name.with_suffix(".json")
        if not found.is_file():
            raise ValueError(f"there is no {found} with what is known of {job.item.path}")
        return found

    def own(self, job: RestoreJob) -> dict[str, str]:
        """Digests of the files of which a result is made."""
        files = {"input": job.item.path, "known": self.known_of(job), "mask": self.masks.get(job.item.path)}
        return {name: file_digest(file) for name, file in files.items() if file is not None}

    def done(self, job: RestoreJob) -> bool:
        """Whether a run before has made it, in the same way."""
        if self.records is not None:
            return self.records.done_as(job.result, self.own(job), job.files)
        check_free([job.result])
        return False


def restore_zero_shot(
    inputs: Sequence[str | Path],
    model: str | Path,
    out: str | Path = "restored",
    *,
    degradation: str | None = None,
    known: str | Path | None = None,
    mask: str | Path | None = None,
    noise_level: float | None = None,
    method: str = "flower",
    steps: int | None = None,
    label: int | None = None,
    guidance: float | None = None,
    boundary: str | Path | None = None,
    toward: float | None = None,
    seed: int = 0,
    suffix: str = "",
    format: str | None = None,
    quality: int = 95,
    background: str | None = None,
    overwrite: bool = False,
    tile: int | str = "auto",
    device: str = "auto",
    precision: str = "auto",
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Undo known degradations of image files with a flow that generates; returns the files that this process wrote.

    Args:
        inputs, out, suffix, format, quality, background, overwrite, part: As for ``restore``.
        model: A flow from noise: a checkpoint or a work directory.
        degradation: Name or path of a preset.
        known: A sidecar, or a folder with one for each image.
        mask: Of inpainting, in place of both: white in the holes. One for all, or a folder with one of each name.
        noise_level: Of the images; white is 1.
        method: "flower", "pnp-flow", "mmps", or the name of a plugin.
        steps: Of the method.
        label, guidance, toward, seed: As for ``ZeroShotRestorer``.
        boundary: File of a boundary of the data.
        tile, device, precision: As for ``ZeroShotRestorer``.
    """
    check_quality(quality)
    behind = None if background is None else color_of(background)
    restorer = ZeroShotRestorer.from_pretrained(
        model, method=method, steps=steps, device=device, precision=precision, tile=tile
    )
    keys: dict[str, Any] = {"label": label, "guidance": guidance, "seed": seed}
    look = {"degradation": degradation, "method": method, "steps": restorer.method.steps, "noise_level": noise_level}
    look |= keys
    if boundary is not None or toward is not None:
        keys |= {"boundary": None if boundary is None else Boundary.load(boundary), "toward": toward}
        look |= {"boundary": None if boundary is None else file_digest(Path(boundary)), "toward": toward}
    file = restorer.file
    models = [] if file is None else [{"name": file.name, "sha256": file_digest(file)}]
    recipe = {"version": __version__, "models": models, "settings": look, "quality": quality, "precision": precision}
    recipe |= {} if background is None else {"background": background}
    records = Records(Path(out), recipe, BY_NAME)
    items = originals(find_items(inputs), records)
    jobs = plan_jobs(items, Path(out), suffix=suffix, format=format, samples=1)
    names = [job.item.name.with_suffix("").as_posix() for job in jobs]
    files = [] if mask is None else mask_files(names, mask)
    masks = {job.item.path: file for job, file in zip(jobs, files, strict=False)}
    run = ZeroShotRun(
        restorer, degradation, None if known is None else Path(known), masks, noise_level, keys, quality, behind,
        records if jobs and jobs[0].result != Path(out) else None,
    )  # fmt: skip
    share = jobs[part[0] :: part[1]]
    todo = share if overwrite else not_done(share, run.done)
    clock = TimeLeft([job.item.weight for job in todo])
    return [file for files in run_jobs(partial(restore_one, run, clock), todo, progress=clock) for file in files]


def restore_one(run: ZeroShotRun, clock: TimeLeft, job: RestoreJob) -> list[Path]:
    """Read, restore, write, and say how it was made."""
    picture = read_input(job.item.path, run.background)
    clock.set_size(picture.size)
    mask = run.masks.get(job.item.path)
    holes = None if mask is None else read_picture(mask)
    how = run.restorer.known(picture, run.degradation, known=run.known_of(job), mask=holes, noise_level=run.noise_level)
    check_writable(job.result, how.size, alpha=picture.has_alpha, bits=picture.bits)
    image = run.restorer(picture, how, on_progress=clock.update, **run.keys)
    if run.records is not None:
        run.records.forget(job.result)
    write_picture(job.result, image, quality=run.quality)
    if run.records is not None:
        run.records.write_as(job.result, run.own(job))
    return job.files
