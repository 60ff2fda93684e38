"""Several uploads at once: restored one after the other, and packed; no web framework is needed to call it."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from zipfile import ZIP_STORED, ZipFile

from cfmrestore.demo.models import PageModels
from cfmrestore.demo.uploads import Limits, PageSettings, open_upload, png_metadata

MOST_FILES = 100
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """A file of several, and how it was called where it came from."""

    path: str
    name: str


@dataclass(frozen=True)
class BatchResult:
    """The archive, if anything could be restored, and a line for each picture."""

    archive: Path | None
    lines: list[str]


def restore_batch(
    models: PageModels,
    model: str,
    uploads: Sequence[Upload],
    settings: PageSettings,
    *,
    limits: Limits,
    folder: Path,
    on_progress: Callable[[float], None],
) -> BatchResult:
    """Restore each upload into an archive, one picture in memory at a time; a bad file stops no other."""
    if not uploads:
        raise ValueError("Drop some pictures first.")
    if len(uploads) > MOST_FILES:
        raise ValueError(f"These are {len(uploads)} pictures. At most {MOST_FILES} are taken at once.")
    folder.mkdir(exist_ok=True)
    place = Path(mkdtemp(dir=folder))
    archive, names, lines = place / "restored.zip", _names([one.name for one in uploads]), list[str]()
    done = 0
    with ZipFile(archive, "w", ZIP_STORED) as file:  # PNG is compressed already
        for index, (one, name) in enumerate(zip(uploads, names, strict=True)):
            _keep_alive(uploads[index:])

            def tell(part: float, index: int = index) -> None:
                on_progress((index + part) / len(uploads))

            try:
                said = _restore(models, model, one, settings, limits, place / "one.png", tell)
                file.write(place / "one.png", name)
                lines.append(f"{name}: {said}")
                done += 1
            except Exception as error:  # whatever a decoder or an allocator says of this picture
                lines.append(f"{one.name} was left out: {_complaint(error)}")
            (place / "one.png").unlink(missing_ok=True)
    return BatchResult(archive if done else None, lines)


def _restore(
    models: PageModels, model: str, one: Upload, settings: PageSettings, limits: Limits, out: Path,
    on_progress: Callable[[float], None],
) -> str:  # fmt: skip
    """Restore one into a file; what is said of it."""
    image = open_upload(one.path, limits)
    restorer, said = models.take(model, image, settings.scale)
    result = restorer(image, on_progress=on_progress, **settings.to_arguments())
    result.save(out, pnginfo=png_metadata(settings, 0), exif=result.info.get("exif", b""))
    return f"{image.width} x {image.height} → {result.width} x {result.height} pixels. {said}".rstrip()


def _complaint(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "There is not enough memory for it."
    _LOG.error("a picture could not be restored", exc_info=error)
    return "Something went wrong."


def _keep_alive(uploads: Sequence[Upload]) -> None:
    """What waits is not deleted for its age."""
    for one in uploads:
        if Path(one.path).exists():
            os.utime(one.path)


def _names(given: Sequence[str]) -> list[str]:
    """Names in the archive: the given ones, as PNG, each once, none that leads elsewhere."""
    taken: set[str] = set()
    names = []
    for text in given:
        last = text.replace("\\", "/").rpartition("/")[2]
        stem = "".join(c for c in Path(last).stem if c.isprintable() and c not in '<>:"|?*').strip(". ") or "picture"
        name, count = f"{stem}.png", 1
        while name.casefold() in taken:
            count += 1
            name = f"{stem}-{count}.png"
        taken.add(name.casefold())
        names.append(name)
    return names
