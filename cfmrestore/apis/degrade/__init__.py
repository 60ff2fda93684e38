"""Degradation of image files: with a sidecar that replays each, and as a frozen benchmark."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore._version import __version__
from cfmrestore.datasets.base import to_tensor
from cfmrestore.datasets.frozen import MANIFEST, files_of, write_manifest
from cfmrestore.datasets.sidecars import SIDECAR_FORMAT, check_pixels, pixel_digest, read_sidecar
from cfmrestore.degradations.base import Degradation
from cfmrestore.engine.config import presets
from cfmrestore.engine.jobs import run_jobs
from cfmrestore.engine.panels import to_pixels, write_png
from cfmrestore.imageio import EXTENSIONS, list_images, read_image
from cfmrestore.imageio.atomic import write_text
from cfmrestore.ops.rng import ImageRng, key_of, mix
from cfmrestore.typing import Image


@dataclass(frozen=True)
class DegradeJob:
    """One image to degrade. With "params" the recipe is a sidecar to replay."""

    source: Path
    low: Path
    high: Path | None  # where a frozen set keeps the target
    recipe: dict[str, Any]

    @property
    def results(self) -> list[Path]:
        """Files that it writes."""
        return [self.low, self.low.with_suffix(".json"), *([self.high] if self.high else [])]

    def __str__(self) -> str:
        return str(self.recipe["image"])


def degrade(
    source: str | Path,
    preset: str,
    out: str | Path,
    *,
    scale: float | None = None,
    seed: int = 0,
    epoch: int = 0,
    split: str = "all",
    freeze: bool = False,
    workers: int = 1,
    overwrite: bool = False,
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Degrade a file or a folder by a preset; returns the images written.

    Every image gets a sidecar of the same name with all that was drawn. Its seed comes from (seed, epoch, path below
    the folder), as in training.

    Args:
        source: An image, or a folder that is searched deeply.
        preset: Name or path of a preset.
        out: Folder for the results; of one image also the name of its result, a .png file.
        scale: In place of the preset's.
        seed: Another one draws other degradations.
        epoch: The same image in another epoch of training.
        split: Of a folder, as for ``ImageFolder``: "train" or "held_out".
        freeze: Write targets and inputs side by side, with a manifest of checksums.
        workers: Processes.
        overwrite: Replace files that are there.
        part: (i, n) does the i-th of n shares of the files.
    """
    out = Path(out)
    recipe: dict[str, Any] = {"format": SIDECAR_FORMAT, "version": __version__, "preset": preset, "frozen": freeze}
    recipe |= presets.resolved(preset, scale)
    try:
        presets.Preset(recipe)  # an operator that is not there, or a wrong value, is no image's fault
    except ValueError as error:
        raise ValueError(f"the preset {preset!r}: {error}") from error
    if freeze and recipe["scale"] != int(recipe["scale"]):
        raise ValueError(f"a frozen set needs a whole scale; got {recipe['scale']}")
    if freeze and part[1] > 1:
        raise ValueError("a set is frozen by one process; take workers instead")
    one, jobs = _names_file(out, Path(source).is_file() and not freeze), []
    for path, name in _files(Path(source), split):
        low = out if one else (out / "low" if freeze else out) / Path(name).with_suffix(".png")
        high = out / "high" / Path(name).with_suffix(".png") if freeze else None
        jobs.append(DegradeJob(path, low, high, {**recipe, "image": name, "seed": seed, "epoch": epoch}))
    results = [path for job in jobs for path in job.results]
    if freeze and (others := set(files_of(out)) - set(results)):
        raise ValueError(f"{str(out)!r} holds {min(others)}, which is not of this set: freeze into an empty folder")
    written = run_jobs(degrade_one, _jobs_of_process(jobs, part, overwrite), workers)
    if freeze:
        write_manifest(out, recipe, results)
    return written


def replay(
    source: str | Path,
    sidecars: str | Path,
    out: str | Path,
    *,
    workers: int = 1,
    overwrite: bool = False,
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Degrade images as their sidecars say; a result whose pixels differ from the first time is an error.

    Args:
        source: The images from which the sidecars were made, a file or a folder.
        sidecars: A sidecar, or a folder of them.
        out: Folder for the results, or the name of the one of a single sidecar; the rest is as for ``degrade``.
    """
    root, out = Path(sidecars), Path(out)
    paths = [root] if root.is_file() else sorted(p for p in root.rglob("*.json") if p != root / MANIFEST)
    if not paths:
        raise ValueError(f"there are no sidecars (.json) in {str(root)!r}")
    files = {name: path for path, name in _files(Path(source))}
    one, jobs = _names_file(out, root.is_file()), []
    for path in paths:
        recipe = read_sidecar(path)
        if recipe["image"] not in files:
            raise ValueError(f"{path}: the image {recipe['image']!r} is not in {str(source)!r}")
        name = path.relative_to(root) if root.is_dir() else Path(path.name)
        low = out if one else out / name.with_suffix(".png")
        jobs.append(DegradeJob(files[recipe["image"]], low, None, recipe))
    return run_jobs(degrade_one, _jobs_of_process(jobs, part, overwrite), workers)


def degrade_one(job: DegradeJob) -> Path:
    """Read, draw (or take what was drawn before), apply, write."""
    recipe, pixels = job.recipe, read_image(job.source)
    if recipe["frozen"]:
        pixels = _cropped(pixels, int(recipe["scale"]))
    preset = presets.Preset(recipe)
    rng = ImageRng([mix(recipe["seed"], recipe["epoch"], key_of(recipe["image"]))])
    if "params" in recipe:
        check_pixels(recipe["source_sha256"], pixels, f"{job.source} is not the image that was degraded")
    image = to_tensor(pixels)[None].float() / 255
    high, target_params = _applied(preset.target, image, recipe, "target_params", rng.fork("target"))
    image, params = _applied(preset.degradation, high, recipe, "params", rng.fork("degradation"))
    low = to_pixels(image[0])
    if "params" in recipe:
        check_pixels(recipe["pixels_sha256"], low, f"{job.source} was degraded to other pixels than the first time")
    digests = {"source_sha256": pixel_digest(pixels), "pixels_sha256": pixel_digest(low)}
    sizes = {"source_size": pixels.shape[:2], "size": low.shape[:2]}
    write_png(job.low, low)
    if job.high is not None:
        write_png(job.high, to_pixels(high[0]))
    sidecar = {**recipe, **sizes, **digests, "target_params": target_params, "params": params}
    write_text(job.low.with_suffix(".json"), json.dumps(sidecar, indent=1) + "\n")
    return job.low


def _applied(
    chain: Degradation[Any], image: Image, recipe: dict[str, Any], key: str, rng: ImageRng
) -> tuple[Image, dict[str, Any]]:
    """The image degraded by what the recipe holds under the key, or by new draws, and the parameters as JSON."""
    if "params" in recipe:
        try:
            params = chain.params_from_json(recipe[key])
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise ValueError(f"the parameters of the sidecar are damaged: {type(error).__name__} {error}") from error
    else:
        params = chain.draw(image, rng)
    return chain.apply(image, params), chain.params_to_json(params)


def _names_file(out: Path, single: bool) -> bool:
    """Whether ``out`` names the one image that is written, and no folder."""
    if out.suffix.lower() not in EXTENSIONS or out.is_dir():
        return False
    if not single:
        raise ValueError(f"{str(out)!r} is the name of an image, and what is written is a folder: name a folder")
    if out.suffix.lower() != ".png":
        raise ValueError(f"degraded images are .png files; got {str(out)!r}")
    return True


def _files(source: Path, split: str = "all") -> list[tuple[Path, str]]:
    """The images, each with its name: the path below the folder."""
    if source.is_file():
        return [(source, source.name)]
    if not source.is_dir():
        raise ValueError(f"there is no image or folder {str(source)!r}")
    return [(path, path.relative_to(source).as_posix()) for path in list_images(source, split)]


def _cropped(pixels: np.ndarray, scale: int) -> np.ndarray:
    """The top left part whose sides are multiples of the scale."""
    height, width = (side // scale * scale for side in pixels.shape[:2])
    if not height or not width:
        raise ValueError(f"{pixels.shape[1]}x{pixels.shape[0]} pixels are too few for the scale {scale}")
    return np.ascontiguousarray(pixels[:height, :width])


def _jobs_of_process(jobs: list[DegradeJob], part: tuple[int, int], overwrite: bool) -> list[DegradeJob]:
    """The jobs of one process, if none would replace what is there or what another job writes."""
    places = [job.low for job in jobs]
    if len(set(places)) < len(places):
        twice = next(p for p in places if places.count(p) > 1)
        raise ValueError(f"several images would be written to {twice}: rename those that differ by their suffix alone")
    sources = {job.source.resolve() for job in jobs}
    if replaced := [path for job in jobs for path in job.results if path.resolve() in sources]:
        raise ValueError(f"{replaced[0]} would be replaced by its own degradation: write into another folder")
    share = jobs[part[0] :: part[1]]
    there = [path for job in share for path in job.results if path.exists()]
    if there and not overwrite:
        raise ValueError(
            f"{len(there)} files are there already, {there[0]} first: overwrite=True (--overwrite) replaces them"
        )
    return share
