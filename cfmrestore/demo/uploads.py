"""Uploads of the page, and their restoration; no web framework is needed to call it."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from cfmrestore._version import __version__
from cfmrestore.restore.spread import spread_picture

UPLOAD_FORMATS = {"BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"}
SCALES, MOST_SAMPLES, MOST_INTERVALS = (1, 2, 3, 4, 8), 8, 100
PREVIEW_SIDE = 2048  # pixels, in the page; the file to download has all


@runtime_checkable
class PageRestorer(Protocol):
    """A restorer, as far as the page needs it."""

    @property
    def scale(self) -> int: ...
    @property
    def needs(self) -> frozenset[str]: ...
    def __call__(self, image: Any, **settings: Any) -> Any: ...
    def sample(self, image: Any, **settings: Any) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of an upload: pixels of the longer side, and bytes of the file."""

    max_side: int = 2048
    max_bytes: int = 32 << 20

    def __post_init__(self) -> None:
        if self.max_side < 1 or self.max_bytes < 1:
            raise ValueError(f"limits are positive numbers; got {self}")


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """Settings of the page; None is the model's default."""

    scale: int
    seed: int = 0
    fidelity: float | None = None
    num_intervals: int | None = None
    solver: str | None = None
    consistency: bool | None = None
    samples: int = 1

    def __post_init__(self) -> None:
        for name, low, high in (
            ("scale", 1, max(SCALES)),
            ("seed", 0, 2**31 - 1),
            ("fidelity", 0, 1),
            ("num_intervals", 1, MOST_INTERVALS),
            ("samples", 1, MOST_SAMPLES),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name.replace('_', ' ')} is {value}: take a number from {low} to {high}")

    def to_arguments(self) -> dict[str, Any]:
        """Keyword arguments of one call of the restorer."""
        return {name: value for name, value in asdict(self).items() if name != "samples"}


@dataclass(frozen=True, kw_only=True)
class PageImage:
    """One restoration: two pictures to compare in the page, and the file to take home."""

    before: Path
    after: Path
    file: Path


@dataclass(frozen=True, kw_only=True)
class PageResult:
    """The result of a click: images, the map of where samples differ, and a summary."""

    restored: list[PageImage]
    spread: Path | None
    summary: str


def open_upload(path: str | Path, limits: Limits) -> Image.Image:
    """The picture in an uploaded file; its size is read, and refused, before its pixels are."""
    path = Path(path)
    if not path.is_file():
        raise ValueError("The picture was deleted, since it had waited for long. Choose it again.")
    if path.stat().st_size > limits.max_bytes:
        raise ValueError(f"The file has {path.stat().st_size:,} bytes. At most {limits.max_bytes:,} are taken.")
    try:
        with Image.open(path, formats=sorted(UPLOAD_FORMATS)) as image:
            size = image.size
            if max(size) <= limits.max_side and (frames := getattr(image, "n_frames", 1)) == 1:
                image.load()
                return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ValueError(f"This is no picture. {', '.join(sorted(UPLOAD_FORMATS))} are taken.") from None
    except Image.DecompressionBombError:
        raise ValueError(f"The picture is too large. At most {limits.max_side} pixels a side are taken.") from None
    except Exception as error:  # broken files make decoders fail in many ways
        raise ValueError("The picture cannot be read: the file is damaged.") from error
    if max(size) <= limits.max_side:
        raise ValueError(f"The file holds {frames} frames or pages. Take one with a single picture.")
    raise ValueError(f"The picture is {size[0]} x {size[1]}. At most {limits.max_side} pixels a side are taken.")


def restore_upload(
    restorer: PageRestorer,
    path: str | Path,
    settings: PageSettings,
    *,
    limits: Limits,
    folder: Path,
    on_progress: Callable[[float], None],
    holes: Callable[[tuple[int, int]], Image.Image] | None = None,
) -> PageResult:
    """Restore an uploaded file, and write all that the page shows into a new folder inside of ``folder``.

    Where the model inpaints, ``holes`` gives the mask of a picture of some size.
    """
    image = open_upload(path, limits)
    mask = None if holes is None else holes(image.size)
    start = time.monotonic()
    call = {**settings.to_arguments(), **({} if mask is None else {"mask": mask}), "on_progress": on_progress}
    if settings.samples > 1:
        samples = restorer.sample(image, count=settings.samples, **call)
        images, spread = samples.images, samples.spread
    else:
        images, spread = [restorer(image, **call)], None
    seconds = time.monotonic() - start
    folder.mkdir(exist_ok=True)
    place = Path(mkdtemp(dir=folder))
    name = f"{_stem(path)}-{f'x{settings.scale}' if mask is None else 'inpainted'}"
    written = [_write(image, result, name, settings, place, index) for index, result in enumerate(images)]
    return PageResult(
        restored=written,
        spread=None if spread is None else _write_spread(spread, place / "spread.png"),
        summary=_summary(image.size, images[0].size, settings, seconds, mask),
    )


def _stem(path: str | Path) -> str:
    """The name of a file without its ending, of letters that every system takes."""
    return re.sub(r"[^\w-]+", "_", Path(path).stem)[:60] or "picture"


def _write(
    low: Image.Image, high: Image.Image, name: str, settings: PageSettings, place: Path, index: int
) -> PageImage:
    number = f"-{index + 1}" if settings.samples > 1 else ""
    files = PageImage(
        before=place / f"before{number}.png",
        after=place / f"after{number}.png",
        file=place / f"{name}{number}.png",
    )
    high.save(files.file, pnginfo=png_metadata(settings, index), exif=high.info.get("exif", b""))
    size = tuple(max(1, round(side * min(1, PREVIEW_SIDE / max(high.size)))) for side in high.size)
    for file, image in ((files.before, low), (files.after, high)):
        to_displayable(image).resize((size[0], size[1]), Image.Resampling.BICUBIC).save(file, compress_level=1)
    return files


def to_displayable(image: Image.Image) -> Image.Image:
    """An image that a browser can show; 16 bits are rounded to 8."""
    if image.mode.startswith("I"):
        return Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8))
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def png_metadata(settings: PageSettings, index: int) -> PngInfo:
    """Metadata by which the picture is made again; sample k is what the seed plus k gives."""
    info = PngInfo()
    info.add_text("Software", f"cfmrestore {__version__}")
    info.add_text("cfmrestore", json.dumps({**settings.to_arguments(), "seed": settings.seed + index}))
    return info


def _write_spread(spread: np.ndarray, path: Path) -> Path:
    picture = spread_picture(spread)
    picture.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    picture.save(path, compress_level=1)
    return path


def _summary(
    low: tuple[int, int], high: tuple[int, int], settings: PageSettings, seconds: float, mask: Image.Image | None
) -> str:
    """What stands below the picture, as Markdown."""
    sizes = f"{low[0]} x {low[1]} → {high[0]} x {high[1]} pixels"
    if mask is not None:
        filled = float(np.asarray(mask).astype(bool).mean())
        sizes = f"{high[0]} x {high[1]} pixels, {filled:.1%} of them filled"
    samples = f", {settings.samples} samples" if settings.samples > 1 else ""
    reduced = ", shown smaller than the file" if max(high) > PREVIEW_SIDE else ""
    read = "\n\nIn the map, dark is read from your picture and bright is invented." if samples else ""
    return f"{sizes}{samples}, seed {settings.seed}, {seconds:.1f} s{reduced}.{read}"


def delete_old_files(folder: Path, seconds: float) -> int:
    """Delete files that have not been changed for so long, and folders that are empty then: the number of files."""
    old, deleted = time.time() - seconds, 0
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        try:
            if path.is_dir() and path.stat().st_mtime < old:
                path.rmdir()
            elif path.is_file() and path.stat().st_mtime < old:
                path.unlink()
                deleted += 1
        except OSError:  # not empty, or gone already
            continue
    return deleted


def solver_names() -> list[str]:
    """Every solver that a config can name."""
    from cfmrestore.registry import SOLVERS

    SOLVERS.import_from_location()
    return sorted(SOLVERS.module_dict)
