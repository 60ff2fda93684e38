"""Conversion of released weights of other projects to models of this one, and of checkpoints to shards and back."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cfmrestore.engine import checkpoints, shards
from cfmrestore.engine.conversion.formats import (
    Choices,
    Foreign,
    read_adm,
    read_ddpm,
    read_diffusers,
    read_dit,
    read_fmboost,
    read_lfm,
    read_sit,
)
from cfmrestore.hub import file_digest
from cfmrestore.imageio.atomic import atomic, check_free
from cfmrestore.networks.diffusers_folder import read_folder, weights_file
from cfmrestore.networks.diffusion_velocity import PREDICTIONS
from cfmrestore.ops.diffusion_schedule import alpha_bar

OWN = "checkpoint"
"""The format that is this project's own."""

FORMATS: dict[str, Callable[[Mapping[str, Any], Choices], Foreign]] = {
    "lfm": read_lfm,
    "dit": read_dit,
    "sit": read_sit,
    "fmboost": read_fmboost,
    "ddpm": read_ddpm,
    "adm": read_adm,
    "diffusers": read_diffusers,
}
_UNTOLD = ("dit", "ddpm", "adm")
"""Diffusion models whose files hold weights and nothing else."""


def convert(
    format: str,
    file: str | Path,
    out: str | Path,
    *,
    weights: str | None = None,
    encoder: str | Mapping[str, Any] | None = None,
    image_size: int | None = None,
    heads: int | None = None,
    schedule: str | None = None,
    prediction: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the weights of another project's checkpoint with the description of a model; nothing in it is executed.

    ``Sampler.from_pretrained`` takes what is written, and ``Restorer.from_pretrained`` if it is FMBoost's. Of a
    checkpoint of this project a folder of shards becomes one file and a file a folder, bit for bit.

    Args:
        format: "lfm", "dit", "sit", "fmboost", "ddpm", "adm" or "diffusers"; "checkpoint" for this project's.
        file: The checkpoint, or its weights as safetensors; of diffusers, and in shards, the folder.
        out: The .safetensors file to write; of shards the .pth, of a .pth the folder.
        weights: "ema" or "model", of a file that has both; by default the moving average where there is one.
        encoder: Folder or hub id of the autoencoder, or the config of an encoder; by default the one that the project
            trained with, or none.
        image_size: Side of the images in pixels; by default what the weights tell, or 256.
        heads: Attention heads, where they are not the published ones.
        schedule: The noise table of a diffusion model whose file does not say it: "linear", "squared_cosine" ...
        prediction: What it predicts: "noise", "velocity" or "data".
        overwrite: Replace a file that is there, which must not be the one that is read.
    """
    from safetensors.torch import save_file

    if (schedule or prediction) and format not in _UNTOLD:
        raise ValueError(f"schedule and prediction are of {', '.join(_UNTOLD)}; {format} says or has its own")
    if schedule is not None:
        alpha_bar(schedule)  # a wrong name is refused here
    if prediction not in (None, *PREDICTIONS):
        raise ValueError(f"prediction is one of {', '.join(PREDICTIONS)}; got {prediction!r}")
    if format == OWN:
        return _regroup(Path(file), Path(out))
    if format not in FORMATS:
        raise ValueError(f"format is one of {', '.join([*FORMATS, OWN])}; got {format!r}")
    if weights not in (None, "ema", "model"):
        raise ValueError(f"weights are 'ema' or 'model'; got {weights!r}")
    out = Path(out)
    if out.suffix != ".safetensors":
        raise ValueError(f"models are written as .safetensors; got {str(out)!r}")
    if out.exists() and out.samefile(file):
        raise ValueError(f"{file} would be replaced by what is made of it: name another file")
    check_free([out], overwrite)
    weighed = Path(file)
    if format == "diffusers":
        contents, weighed = read_folder(weighed), weights_file(weighed)
    else:
        contents = checkpoints.load(file)
    try:
        found = FORMATS[format](contents, Choices(weights, encoder, image_size, heads, schedule, prediction))
    except ValueError as error:
        raise ValueError(f"{str(file)!r}: {error}") from error
    source = {"format": format, "file": Path(file).name, "sha256": file_digest(weighed, 64)}
    meta = {"name": out.stem, "converted_from": source, "model": checkpoints.as_data(found.model)}
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic(out) as unfinished:
        tensors = {name: value.float().contiguous() for name, value in found.weights.items()}
        save_file(tensors, unfinished, metadata={"meta": json.dumps(meta)})
    return out


def _regroup(source: Path, out: Path) -> Path:
    """One file of shards, or shards of one file."""
    sharded, suffix = shards.is_sharded(source), ".pth"
    if out.suffix != (suffix if sharded else "") or out.exists():
        what = "shards become a .pth file" if sharded else "a file becomes a folder of shards, without a suffix"
        raise ValueError(f"{what} that is not there yet; got {str(out)!r}")
    checkpoint = checkpoints.load(source)
    if sharded:
        checkpoints.save(checkpoint, out)
    else:
        shards.save(checkpoint, out)
    return out
