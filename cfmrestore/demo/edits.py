"""Edits of an uploaded picture along boundaries; no web framework is needed to call it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from cfmrestore.datasets.transforms import ResizeCrop
from cfmrestore.demo.uploads import Limits, open_upload, to_displayable
from cfmrestore.editing import Boundary
from cfmrestore.engine.panels import to_pixels, write_png
from cfmrestore.restore.editor import Editor


@dataclass(frozen=True)
class PageEditor:
    """A model and the boundaries along which the page edits, those of one guidance, by their attributes.

    Args:
        editor: The model.
        boundaries: The boundaries.
        side: Of the pictures, in pixels.
    """

    editor: Editor
    boundaries: Sequence[Boundary]
    side: int

    @classmethod
    def from_folder(cls, model: str | Path, folder: str | Path, *, device: str = "auto") -> "PageEditor":
        """The boundaries of a folder, ``*.safetensors``, which were fitted to the model."""
        files = sorted(Path(folder).glob("*.safetensors"))
        if not files:
            raise ValueError(f"there are no boundaries in {str(folder)!r}: fit some with cfmrestore fit-boundary")
        editor = Editor.from_pretrained(model, device=device)
        boundaries = [Boundary.load(file) for file in files]
        editor.check(boundaries)
        for file, one in zip(files, boundaries, strict=True):
            if editor.needs_label([one]):
                raise ValueError(
                    f"{str(file)!r} was fitted to pictures whose class was told, and the page tells none: edit with "
                    "cfmrestore edit --label, or take a boundary that was fitted without --use-classes"
                )
        if editor.flow.image_size is None:
            raise ValueError("the page needs a model that says its size, model.image_size")
        return cls(editor, boundaries, editor.flow.image_size)


@dataclass(frozen=True)
class PageEdit:
    """The picture as the model sees it, the edited one, and a summary."""

    before: Path
    after: Path
    summary: str


def edit_upload(
    page: PageEditor, path: str | Path, strengths: Sequence[float], *, limits: Limits, folder: Path
) -> PageEdit:
    """Edit an uploaded file, and write what the page shows into a new folder inside of ``folder``."""
    picture = np.asarray(to_displayable(open_upload(path, limits)).convert("RGB"))
    pixels = ResizeCrop(size=page.side)({"high": picture}, 0)["high"]
    began = time.monotonic()
    done = page.editor(pixels, page.boundaries, [tuple(strengths)])
    seconds = time.monotonic() - began
    folder.mkdir(exist_ok=True)
    place = Path(mkdtemp(dir=folder))
    before, after = place / "before.png", place / "edited.png"
    write_png(before, pixels)
    write_png(after, to_pixels(done.edits[0].image[0]))
    one = done.edits[0]
    moves = ", ".join(f"{name} {float(a[0]):+.1f} → {float(b[0]):+.1f}" for name, (a, b) in one.distances.items())
    return PageEdit(
        before, after, f"{page.side} x {page.side} pixels, {one.nfe} evaluations, {seconds:.1f} s. {moves}."
    )
