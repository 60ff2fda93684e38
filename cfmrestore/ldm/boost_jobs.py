"""Jobs of boosting: pictures to make from prompts or from stored latents, and the files that they go to."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cfmrestore.datasets.latent_files import SUFFIX, LatentInfo, list_latents, read_header
from cfmrestore.imageio import EXTENSIONS
from cfmrestore.ops.rng import key_of, mix

_SEEDS = 1 << 32  # torch's generator for the CPU takes no more


@dataclass(frozen=True)
class BoostJob:
    """One picture: its name below the folders, the metadata of its latent, and the latent's file, if it was made."""

    name: str
    info: LatentInfo
    latent: Path | None = None
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.info.prompt or self.name


@dataclass(frozen=True)
class BoostFiles:
    """Files of the results.

    Args:
        out: Folder for pictures, or the file of the only one.
        latents: Folder for latents.
        compare: Write the enlarged small picture too.
    """

    out: Path | None
    latents: Path | None = None
    compare: bool = False

    def of(self, job: BoostJob) -> dict[str, Path]:
        """Those of one job: "picture", "sidecar" (how it was made), "bicubic" (the enlarged small one), "latent"."""
        files = {}
        if self.out is not None:
            picture = self.out if self.out.suffix.lower() == ".png" else self.out / f"{job.name}.png"
            files = {"picture": picture, "sidecar": picture.with_suffix(".json")}
            if self.compare:
                files["bicubic"] = picture.with_name(f"{picture.stem}_bicubic.png")
        if self.latents is not None:
            files["latent"] = self.latents / f"{job.name}{SUFFIX}"
        return files

    def check(self, jobs: Sequence[BoostJob]) -> None:
        """Refuse files that cannot hold what is to be made."""
        suffix = self.out.suffix.lower() if self.out else ""
        if suffix in EXTENSIONS - {".png"}:
            raise ValueError(f"pictures are written as PNG; got --out {self.out}")
        if suffix == ".png" and len(jobs) != 1:
            raise ValueError(f"{len(jobs)} pictures do not go into one file {self.out}: name a folder")

    def done(self, job: BoostJob, recipe: dict[str, Any]) -> bool:
        """Whether all its files are there; an error where they were made otherwise."""
        files = self.of(job)
        there = {kind: path for kind, path in files.items() if path.is_file()}
        if sidecar := there.get("sidecar"):
            _check_recipe(sidecar, _read_sidecar(sidecar), recipe)
        if latent := there.get("latent"):
            _check_recipe(latent, latent_metadata(read_header(latent)[1]), latent_metadata(job.info))
        return len(there) == len(files)


def latent_metadata(info: LatentInfo) -> dict[str, Any]:
    """Metadata of a latent, as a sidecar has it."""
    return {key: value for key, value in asdict(info).items() if key != "encoder"}


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path} says nothing of its picture ({error}): remove it, or take --overwrite") from error


def _check_recipe(path: Path, there: dict[str, Any], recipe: dict[str, Any]) -> None:
    """Refuse a result of the same name that was made in another way."""
    there, recipe = ({**keys, **keys.get("settings", {}), "settings": None} for keys in (there, recipe))
    other = [
        f"{key} {there.get(key)!r} there, {value!r} now" for key, value in recipe.items() if there.get(key) != value
    ]
    if other:
        raise ValueError(f"{path} was made in another way ({'; '.join(other)}): take another folder, or --overwrite")


def read_prompts(path: str | Path) -> list[str]:
    """The lines of a text file, without empty ones and those that begin with #; each prompt once."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the prompts {str(path)!r} cannot be read: {error}") from error
    numbers: dict[str, int] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and not line.startswith("#"):
            if line in numbers:
                raise ValueError(
                    f"{path}: line {number} repeats line {numbers[line]}; --samples makes several pictures of a prompt"
                )
            numbers[line] = number
    if not numbers:
        raise ValueError(f"{path} holds no prompts: one a line")
    return list(numbers)


def jobs_of_prompts(
    prompts: Iterable[str], *, pipeline: str, seed: int, samples: int, settings: dict[str, Any]
) -> list[BoostJob]:
    """A job for every sample of every prompt; its seed comes from the run's, the prompt and the sample alone."""
    jobs = []
    for prompt in prompts:
        for sample in range(samples):
            sample_seed = mix(seed, key_of(prompt), sample) % _SEEDS
            drawn = {**settings, "run_seed": seed, "sample": sample}
            name = f"{_slug(prompt)}_{key_of(prompt) % _SEEDS:08x}_{sample}"
            jobs.append(BoostJob(name, LatentInfo("", prompt, sample_seed, pipeline, drawn)))
    return jobs


def jobs_of_latents(folder: str | Path) -> list[BoostJob]:
    """A job for every latent of a folder."""
    jobs = []
    for path in list_latents(folder):
        shape, info = read_header(path)
        name = path.relative_to(folder).with_suffix("").as_posix()
        jobs.append(BoostJob(name, info, latent=path, shape=shape))
    return jobs


def batches(jobs: Iterable[BoostJob], size: int) -> list[list[BoostJob]]:
    """At most so many jobs each, of latents of one shape."""
    by_shape: dict[tuple[int, ...], list[BoostJob]] = {}
    for job in jobs:
        by_shape.setdefault(job.shape, []).append(job)
    return [alike[i : i + size] for alike in by_shape.values() for i in range(0, len(alike), size)]


def _slug(prompt: str) -> str:
    """The beginning of a prompt as part of a file's name."""
    return re.sub(r"\W+", "-", prompt.lower())[:40].strip("-") or "prompt"
