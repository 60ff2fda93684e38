"""Inpainting of one photograph: what is white in its mask is filled."""

from dataclasses import replace
from pathlib import Path

from cfmrestore.engine.jobs import TimeLeft
from cfmrestore.imageio import SUFFIXES, check_writable, read_picture, write_picture
from cfmrestore.imageio.atomic import check_free
from cfmrestore.imageio.picture import Picture
from cfmrestore.restore import Restorer, Settings


def inpaint(
    image: str | Path,
    mask: str | Path,
    model: str | Path,
    out: str | Path | None = None,
    *,
    settings: Settings | None = None,
    samples: int = 1,
    invert: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    precision: str = "auto",
) -> list[Path]:
    """Fill the holes of a photograph; all else stays as it is in the file, with its metadata. Returns the files.

    Args:
        image: The photograph.
        mask: An image of the same size, white in the holes; one with transparency is a mask by its alpha.
        model: One that was trained with the condition ``Inpaint``, as for ``Restorer.from_pretrained``.
        out: The file, by default ``NAME_inpainted`` beside the photograph.
        settings: How to restore.
        samples: How many results, of the seeds that follow: numbered files.
        invert: Black is a hole.
        overwrite: Replace files that are there.
        device: As for ``Restorer``.
        precision: As for ``Restorer``.
    """
    source = Path(image)
    result = Path(out) if out is not None else source.with_stem(f"{source.stem}_inpainted")
    if samples < 1:
        raise ValueError(f"samples must be 1 or more; got {samples}")
    if result.suffix.lower() not in SUFFIXES:
        if out is not None:
            raise ValueError(f"{result} is not written: name a file of {' '.join(SUFFIXES)}")
        result = result.with_suffix(".png")
    files = [result] if samples == 1 else [result.with_stem(f"{result.stem}_{i}") for i in range(samples)]
    check_free(files, overwrite)
    if any(file.exists() and file.samefile(source) for file in files):
        raise ValueError(f"{source} would be replaced by its inpainting: name another file with --out")
    picture, holes = read_picture(source), read_picture(mask)
    check_writable(result, picture.size, alpha=picture.has_alpha, bits=picture.bits)
    if invert:
        holes = inverted(holes)
    restorer, settings = Restorer.from_pretrained(model, device=device, precision=precision), settings or Settings()
    clock = TimeLeft([1.0] * samples)
    for index, file in enumerate(files):
        clock.begin(file.name)
        chosen = replace(settings, seed=settings.seed + index)
        filled = restorer.restore(picture, chosen, clock.update, holes)[0]
        write_picture(file, filled)
        clock.end()
    clock.close()
    return files


def inverted(mask: Picture) -> Picture:
    """A mask whose holes were black, or transparent."""
    peak = 255 if mask.bits == 8 else 65535
    pixels = peak - mask.pixels
    if mask.has_alpha and bool((mask.pixels[..., -1] == peak).all()):
        pixels[..., -1] = peak  # by its colors, which say what a hole is where nothing is transparent
    return replace(mask, pixels=pixels)
