"""Editing a picture, across boundaries at several strengths or to other classes: files, and a strip of them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.editing import Boundary, BoundaryEdits, FlowEdit, RFInversion
from cfmrestore.engine.jobs import track
from cfmrestore.engine.panels import caption, framed, to_pixels, write_png
from cfmrestore.imageio import check_folder_writable, read_image
from cfmrestore.imageio.atomic import check_free
from cfmrestore.restore.editor import Editor

_SETTINGS: dict[str, type[FlowEdit] | type[RFInversion]] = {"flowedit": FlowEdit, "rf-inversion": RFInversion}


@dataclass(frozen=True)
class EditedFiles:
    """What was written: the pictures in the order of strengths or classes, the strip; and evaluations a picture."""

    pictures: list[Path]
    strip: Path
    nfe: int


def edit(
    photo: str | Path,
    model: str | Path,
    boundary: Sequence[str | Path] = (),
    out: str | Path = "edited",
    *,
    method: str = "boundary",
    strength: Sequence[float | Sequence[float]] = (-2, -1, 0, 1, 2),
    keep: Sequence[str | Path] = (),
    set: bool = False,
    label: int | None = None,
    target: Sequence[int] = (),
    guidance: float | None = None,
    source_guidance: float | None = None,
    steps: int = 28,
    n_max: int | None = None,
    n_min: int | None = None,
    n_avg: int | None = None,
    gamma: float | None = None,
    eta: float | None = None,
    interval: Sequence[float] | None = None,
    decay: float | None = None,
    reconstruct: bool = False,
    seed: int = 0,
    solver: str | None = None,
    num_intervals: int | None = None,
    overwrite: bool = False,
    device: str = "auto",
) -> EditedFiles:
    """Edit a picture into files ``OUT/NAME_+2.png`` (a strength) or ``OUT/NAME_to_8.png`` (a class), and a strip.

    Args:
        photo: The picture, of the size that the boundaries or the model are for.
        model: As for ``Sampler.from_pretrained``.
        boundary: Files of the boundaries along which it is moved.
        out: The folder.
        method: "boundary"; or, from one class to others, "flowedit" or "rf-inversion".
        strength: In standard deviations of the distance: of all boundaries, or one each; a picture for each.
        keep: Files of boundaries whose distances stay.
        set: Move to these distances, not by them.
        label: Class of the picture.
        target: Classes that it is edited to.
        guidance: Scale of guidance to a class; by default the model's.
        source_guidance: The same to the class of the picture.
        steps: Intervals from t = 0 to 1, to a class.
        n_max, n_min, n_avg: As of ``FlowEdit``.
        gamma, eta, interval, decay, reconstruct: As of ``RFInversion``.
        seed: Of the noise, to a class.
        solver: Its name, along boundaries; by default the model's.
        num_intervals: Intervals from t = 0 to 1, along boundaries; by default the model's.
        overwrite: Replace files that are there.
        device: As for ``Sampler``.
    """
    _check(method, boundary, keep, set, label, target)
    settings = _settings(
        method, steps, guidance, source_guidance=source_guidance, n_max=n_max, n_min=n_min, n_avg=n_avg, gamma=gamma,
        eta=eta, interval=None if interval is None else tuple(interval), decay=decay, reconstruct=reconstruct or None,
    )  # fmt: skip
    folder, stem = Path(out), Path(photo).stem
    along = method == "boundary"
    names = [_name(value) for value in strength] if along else [f"to_{one}" for one in target]
    files, strip = [folder / f"{stem}_{name}.png" for name in names], folder / f"{stem}_strip.png"
    if len({*files}) < len(files) or not files:
        raise ValueError(f"every strength and every class once; got {', '.join(names) or 'none'}")
    if along and not np.isfinite(np.hstack(strength)).all():
        raise ValueError(f"strengths are finite numbers; got {', '.join(names)}")
    check_free([*files, strip], overwrite)
    check_folder_writable(folder)
    moved, kept = ([Boundary.load(file) for file in some] for some in (boundary, keep))
    editor = Editor.from_pretrained(model, device=device, solver=solver, num_intervals=num_intervals)
    pixels = read_image(photo)
    began = time.perf_counter()
    if settings is None:
        done = editor(pixels, moved, strength, keep=kept, to_value=set, label=label)
        images, nfe = [one.image[0] for one in done.edits], max(one.nfe for one in done.edits)
        print(report(done, names))
        told = f"; there and back {float(done.error[0]):.1e}"
    else:
        assert label is not None
        settings = replace(settings, target_guidance=editor.guidance(guidance))
        edits = [editor.to_class(pixels, label, one, settings, seed=seed) for one in track(target)]
        images, nfe = [one.image[0] for one in edits], max(one.nfe for one in edits)
        error = edits[0].error  # whatever the target
        told = "" if error is None else f"; under its own class it ends {float(error[0]):.1e} from the picture"
    seconds = time.perf_counter() - began
    pictures = [to_pixels(image) for image in images]
    for file, picture in zip(files, pictures, strict=True):
        write_png(file, picture)
    write_png(strip, strip_of({"input": pixels, **dict(zip(names, pictures, strict=True))}))
    print(f"{nfe} evaluations a picture, {seconds:.2f} seconds in all{told}")
    return EditedFiles(files, strip, nfe)


def _check(
    method: str,
    boundary: Sequence[str | Path],
    keep: Sequence[str | Path],
    to_value: bool,
    label: int | None,
    target: Sequence[int],
) -> None:
    """Refuse arguments of another method."""
    if method == "boundary":
        if not boundary or target:
            raise ValueError("an edit along boundaries needs their files, --boundary, and no --target")
    elif method not in _SETTINGS:
        raise ValueError(f"method is one of boundary, {', '.join(_SETTINGS)}; got {method!r}")
    elif boundary or keep or to_value or label is None or not target:
        raise ValueError(f"{method} edits from a class to others: it needs --label and --target, and no boundaries")


def _settings(method: str, steps: int, guidance: float | None, **values: Any) -> FlowEdit | RFInversion | None:
    """Those of a method between classes, by default its own; refuse those of another one."""
    kind = _SETTINGS.get(method)
    known = {field.name for field in fields(kind)} if kind else ()
    given = {name: value for name, value in values.items() if value is not None}
    if foreign := [name for name in given if name not in known]:
        of = [name for name, one in _SETTINGS.items() if foreign[0] in {field.name for field in fields(one)}]
        raise ValueError(f"{foreign[0]} is a setting of {' and '.join(of)}, and the method is {method}: leave it out")
    if kind is None:
        if guidance is not None:
            raise ValueError("the guidance along boundaries is that under which they were fitted: leave it out")
        return None
    return kind(steps=steps, **given)


def _name(strength: float | Sequence[float]) -> str:
    return ",".join(f"{k:+g}" for k in (strength if isinstance(strength, Sequence) else [strength]))


def strip_of(pictures: Mapping[str, np.ndarray]) -> np.ndarray:
    """Pictures beside each other, under a line of text each."""
    width = max(48, *(one.shape[1] for one in pictures.values()))
    columns = [np.concatenate([caption(text, width), framed(one, width)]) for text, one in pictures.items()]
    return np.concatenate(columns, axis=1)


def report(done: BoundaryEdits, names: Sequence[str]) -> str:
    """Where the picture stood and stands, in standard deviations from each boundary."""
    lines = []
    for text, one in zip(names, done.edits, strict=True):
        moves = [f"{name} {float(a[0]):+.2f} to {float(b[0]):+.2f}" for name, (a, b) in one.distances.items()]
        lines.append(f"{text}: {', '.join(moves)}")
    return "\n".join(lines)
