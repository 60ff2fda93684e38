"""Fitting the boundary of an attribute to a trained flow."""

import time as clock
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from cfmrestore import editing
from cfmrestore.apis.labelled import Labelled, labelled_images
from cfmrestore.editing import Boundary, Candidate, Encoded, candidates, encode, flow_digest, mixing_time
from cfmrestore.editing.encoding import walk_on
from cfmrestore.engine.jobs import TimeLeft
from cfmrestore.flows import CouplingFlow, Sampling
from cfmrestore.imageio import check_folder_writable
from cfmrestore.imageio.atomic import check_free
from cfmrestore.reports.figures import new_figure, save_figure
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore.editor import given_of, knows_classes, tells_class
from cfmrestore.restore.sampler import Sampler

TIMES = tuple(round(0.1 * k, 1) for k in range(10))
"""Candidates of the mixing time: at t = 1 no flow follows, which would make a picture of what was mixed."""


@dataclass(frozen=True)
class FittedBoundary:
    """A boundary, and the times that were tried where the mixing time was sought."""

    boundary: Boundary
    candidates: list[Candidate]


def fit_boundary(
    model: str | Path,
    data: Sequence[str | Path],
    attribute: str,
    out: str | Path,
    *,
    against: str | None = None,
    table: str | Path | None = None,
    time: float | None = None,
    times: Sequence[float] = TIMES,
    space: str = "latent",
    direction: str = "regression",
    strength: float = 2.0,
    count: int = 1000,
    size: int | None = None,
    use_classes: bool = False,
    guidance: float | None = None,
    solver: str | None = None,
    num_intervals: int | None = None,
    batch: int = 64,
    plot: str | Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
) -> FittedBoundary:
    """Fit the boundary of an attribute to encoded images; no weight changes.

    Args:
        model: As for ``Sampler.from_pretrained``.
        data: As of ``labelled_images``.
        attribute: Its name.
        out: The file, ``*.safetensors``.
        against: The attribute of the images on the other side; by default not to have it.
        table: The table of a folder.
        time: The time of the points; by default the mixing time.
        times: Among which the mixing time is sought.
        space: "latent" or "bottleneck".
        direction: "regression" or "normal": along which an edit moves.
        strength: For which the mixing time is sought, in standard deviations.
        count: Images, at most.
        size: Side of the images; by default the model's, or their own.
        use_classes: Tell a conditional flow the class of each image; by default it is told none, which one that was
            trained without dropout of its classes cannot be.
        guidance: Of images whose class is told; by default the model's.
        solver: Its name; by default the model's.
        num_intervals: Intervals from t = 0 to 1; by default the model's.
        batch: Images at once.
        plot: PNG file of accuracy, error and objective over the time.
        overwrite: Replace files that are there.
        device: As for ``Sampler``.
    """
    if time is not None and plot is not None:
        raise ValueError("a plot is of the times among which the mixing time is sought: leave time or plot out")
    if time is None and space != "latent":
        raise ValueError("the mixing time is sought among latents: give --time in the bottleneck")
    if Path(out).suffix != ".safetensors":
        raise ValueError(f"a boundary is a file *.safetensors; got {str(out)!r}")
    if batch < 1:
        raise ValueError(f"a batch has 1 or more images; got {batch}")
    files = [Path(out), *([] if plot is None else [Path(plot)])]
    check_free(files, overwrite)
    for file in files:
        check_folder_writable(file.absolute().parent)
    sampler = Sampler.from_pretrained(model, device=device, precision="fp32")
    flow, keys = sampler.flow, {"solver": solver, "num_intervals": num_intervals}
    scale = _guidance(flow, sampler.settings(**keys, guidance=guidance), use_classes)
    found = labelled_images(data, attribute, against=against, table=table, size=size or flow.image_size, count=count)
    if use_classes and found.labels is None:
        raise ValueError("the images have no classes: a table tells them in a column label")
    began = clock.perf_counter()
    run = _Run(flow, found, sampler.settings(**keys, guidance=scale), use_classes, batch)
    how: dict[str, Any] = {
        "attribute": attribute,
        "direction": direction,
        "model": flow_digest(flow),
        "guidance": scale,
    }
    tried: list[Candidate] = []
    if time is None:
        encoded = run.encode((*times, 1.0), space, check=16)
        tried = candidates(encoded, found.positive, run.walk, strength=strength, others=found.others, **how)
        best = mixing_time(tried)
        boundary = best.boundary
    else:
        encoded, best = run.encode([time], space), None
        boundary = editing.fit_boundary(encoded.points[time], found.positive, time=time, space=space, **how)
    seconds = clock.perf_counter() - began
    boundary.save(out)
    print(f"{len(found.images)} images, encoded with {encoded.nfe} evaluations each; {seconds:.1f} seconds")
    if best is not None:
        print(f"\n{report(tried, best)}")
        if plot is not None:
            draw(tried, best, Path(plot))
    std = f"a standard deviation of the distance is {boundary.std:.3g}"
    print(f"{attribute} at t = {boundary.time:g}: {boundary.accuracy:.1%} of held-out images on their side; {std}")
    return FittedBoundary(boundary, tried)


def _guidance(flow: CouplingFlow, chosen: Sampling, use_classes: bool) -> float:
    """The scale under which the flow is asked: the chosen one where it is told the class of each image."""
    if use_classes and not knows_classes(flow):
        raise ValueError("this model is told no classes: leave --use-classes out")
    if not use_classes and tells_class(flow, 0.0):
        raise ValueError("this model was trained with the class of every image: tell it, --use-classes")
    scale = chosen.guidance if use_classes else 0.0 if flow.conditions.droppable else 1.0
    if not isinstance(scale, int | float):
        raise ValueError(f"a boundary is fitted under one scale of guidance; got {scale}")
    return float(scale)


@dataclass(frozen=True)
class _Run:
    """What is encoded, and how."""

    flow: CouplingFlow
    found: Labelled
    sampling: Sampling
    use_classes: bool
    batch: int

    def encode(self, times: Sequence[float], space: str, check: int = 0) -> Encoded:
        with closing(TimeLeft([1.0])) as progress:
            progress.begin(f"encoding {len(self.found.images)} images")
            return encode(
                self.flow, self.found.images, times, sampling=self.sampling, space=space, batch=self.batch, check=check,
                given=self._given(self.found.images, self.found.labels), on_part=progress.update,
            )  # fmt: skip

    def walk(self, rows: Tensor, points: Tensor, time: float) -> Tensor:
        """Where points of some of the images lead to."""
        images = self.found.images[rows]
        labels = None if self.found.labels is None else self.found.labels[rows]
        given = self._given(images, labels)
        return walk_on(self.flow, images, points, time, sampling=self.sampling, given=given, batch=self.batch)

    def _given(self, images: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        return given_of(self.flow, images, labels if self.use_classes else None)


def report(tried: Sequence[Candidate], best: Candidate) -> str:
    """A table of the times."""
    cells = [["time", "held-out accuracy", "brought across", "others changed", "error there and back", "objective", ""]]
    for one in tried:
        numbers = [one.boundary.accuracy, one.flips, one.changes]
        row = [f"{one.time:.3g}", *(f"{number:.3f}" for number in numbers), f"{one.error:.1e}", f"{one.objective:.3f}"]
        cells.append([*row, "chosen" if one is best else ""])
    return markdown_table(cells)


def draw(tried: Sequence[Candidate], best: Candidate, file: Path) -> None:
    """Accuracy and error over the time, and the objective below."""
    figure, axes = new_figure(2, 1, 6, 6)
    upper, lower = axes[:, 0]
    at = [one.time for one in tried]
    upper.plot(at, [one.boundary.accuracy for one in tried], "o-", label="held-out accuracy")
    upper.plot(at, [one.error for one in tried], "s--", label="relative error there and back")
    upper.plot(at, [one.flips for one in tried], "^-", label="brought across")
    lower.plot(at, [one.objective for one in tried], "o-", label="objective")
    for one in (upper, lower):
        one.axvline(best.time, color="gray", linestyle=":", label=f"mixing time {best.time:g}")
        one.set_xlabel("t, from the source to the data")
        one.grid(alpha=0.3)
        one.legend()
    save_figure(figure, file, f"The boundary of {best.boundary.attribute}")
