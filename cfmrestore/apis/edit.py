"""Editing a picture across boundaries: pictures at several strengths, and a strip of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cfmrestore.apis.labelled import given_of
from cfmrestore.editing import Boundary, BoundaryEdits, boundary_edit
from cfmrestore.engine.panels import caption, framed, to_pixels, write_png
from cfmrestore.flows import CouplingFlow
from cfmrestore.imageio import read_image
from cfmrestore.restore.sampler import Sampler


@dataclass(frozen=True)
class EditedFiles:
    """What was written: the pictures in the order of the strengths, and the strip."""

    pictures: list[Path]
    strip: Path
    edits: BoundaryEdits


class Editor:
    """Edits pictures across boundaries of attributes.

    >>> editor = Editor.from_pretrained("work_dirs/avatars")  # doctest: +SKIP
    >>> smile = Boundary.load("smile.safetensors")  # doctest: +SKIP
    >>> edits = editor(read_image("face.png"), [smile], strengths=[-2, 0, 2]).edits  # doctest: +SKIP

    Args:
        sampler: The model.
        settings: Solver and intervals, as keys of ``Sampling``.
    """

    def __init__(self, sampler: Sampler, **settings: object) -> None:
        self.sampler, self.sampling = sampler, sampler.settings(**settings)

    @classmethod
    def from_pretrained(cls, path: str | Path, *, device: str = "auto", **settings: object) -> "Editor":
        """From what training leaves behind, as ``Sampler.from_pretrained``."""
        return cls(Sampler.from_pretrained(path, device=device, precision="fp32"), **settings)

    @property
    def flow(self) -> CouplingFlow:
        return self.sampler.flow

    def __call__(
        self,
        image: np.ndarray | Tensor,
        boundaries: Sequence[Boundary],
        strengths: Sequence[float] = (-2, -1, 0, 1, 2),
        *,
        keep: Sequence[Boundary] = (),
        to_value: bool = False,
        label: int | None = None,
    ) -> BoundaryEdits:
        """One picture, at all strengths.

        Args:
            image: (h, w, 3) of 8 bits, or (3, h, w) in [0, 1].
            boundaries: Along which it is moved.
            strengths: In standard deviations of the distance.
            keep: Boundaries whose distances stay.
            to_value: Move to a distance, not by it.
            label: Its class, where the boundaries were fitted to images whose class was told.
        """
        if isinstance(image, np.ndarray):
            image = torch.from_numpy(image).permute(2, 0, 1).float() / 255
        high = image[None].to(self.sampler.device)
        self._check_label(boundaries, label)
        given = given_of(self.flow, high, None if label is None else torch.tensor([label]))
        return boundary_edit(
            self.flow, high, torch.zeros(1, dtype=torch.long), boundaries, strengths, keep=keep, to_value=to_value,
            sampling=self.sampling, given={key: value.to(high.device) for key, value in given.items()},
        )  # fmt: skip

    def _check_label(self, boundaries: Sequence[Boundary], label: int | None) -> None:
        told = any(one.guidance > 0 for one in boundaries) and bool(self.flow.conditions.droppable)
        if told and label is None:
            raise ValueError("these boundaries were fitted to images whose class was told: give the picture's, --label")
        if label is not None and not told:
            raise ValueError("these boundaries were fitted to images whose class was not told: leave --label out")


def edit(
    photo: str | Path,
    model: str | Path,
    boundary: Sequence[str | Path],
    out: str | Path = "edited",
    *,
    strength: Sequence[float] = (-2, -1, 0, 1, 2),
    keep: Sequence[str | Path] = (),
    set: bool = False,
    label: int | None = None,
    solver: str | None = None,
    num_intervals: int | None = None,
    overwrite: bool = False,
    device: str = "auto",
) -> EditedFiles:
    """Edit a picture at several strengths: ``OUT/NAME_+2.png`` and on, and a strip of them, ``OUT/NAME_strip.png``.

    Args:
        photo: The picture, of the size that the boundaries are for.
        model: As for ``Sampler.from_pretrained``.
        boundary: Files of the boundaries along which it is moved.
        out: The folder.
        strength: In standard deviations of the distance.
        keep: Files of boundaries whose distances stay.
        set: Move to these distances, not by them.
        label: Class of the picture.
        solver: Its name; by default the model's.
        num_intervals: Intervals from t = 0 to 1; by default the model's.
        overwrite: Replace files that are there.
        device: As for ``Sampler``.
    """
    folder, stem = Path(out), Path(photo).stem
    files = [folder / f"{stem}_{value:+g}.png" for value in strength]
    strip = folder / f"{stem}_strip.png"
    if len({*files}) < len(files) or not files:
        raise ValueError(f"every strength once; got {', '.join(f'{value:g}' for value in strength) or 'none'}")
    if (there := [file for file in (*files, strip) if file.exists()]) and not overwrite:
        raise ValueError(f"{there[0]} is there already: --overwrite replaces it")
    moved, kept = ([Boundary.load(file) for file in some] for some in (boundary, keep))
    editor = Editor.from_pretrained(model, device=device, solver=solver, num_intervals=num_intervals)
    pixels = read_image(photo)
    began = time.perf_counter()
    done = editor(pixels, moved, strength, keep=kept, to_value=set, label=label)
    seconds = time.perf_counter() - began
    for file, one in zip(files, done.edits, strict=True):
        write_png(file, to_pixels(one.image[0]))
    write_png(strip, strip_of(pixels, done))
    print(report(done))
    nfe = max(one.nfe for one in done.edits)
    print(f"{nfe} evaluations a picture, {seconds:.2f} seconds in all; there and back {float(done.error[0]):.1e}")
    return EditedFiles(files, strip, done)


def strip_of(pixels: np.ndarray, done: BoundaryEdits) -> np.ndarray:
    """The picture beside those of all strengths, under a line of text each."""
    pictures = {"input": pixels} | {f"{one.strength:+g}": to_pixels(one.image[0]) for one in done.edits}
    width = max(pixels.shape[1], 48)
    columns = [np.concatenate([caption(text, width), framed(one, width)]) for text, one in pictures.items()]
    return np.concatenate(columns, axis=1)


def report(done: BoundaryEdits) -> str:
    """Where the picture stood and stands, in standard deviations from each boundary."""
    lines = []
    for one in done.edits:
        moves = [f"{name} {float(a[0]):+.2f} to {float(b[0]):+.2f}" for name, (a, b) in one.distances.items()]
        lines.append(f"{one.strength:+g}: {', '.join(moves)}")
    return "\n".join(lines)
