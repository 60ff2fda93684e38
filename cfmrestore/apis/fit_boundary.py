"""Fitting the boundary of an attribute to a trained flow."""

import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cfmrestore.apis.labelled import labelled_images
from cfmrestore.editing import Boundary, Candidate, candidates, encode, flow_digest, mixing_time
from cfmrestore.reports.figures import new_figure, save_figure
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore.editor import given_of
from cfmrestore.restore.sampler import Sampler

TIMES = tuple(round(0.1 * k, 1) for k in range(10))
"""Candidates of the mixing time: at t = 1 no flow follows, which would make a picture of what was mixed."""


@dataclass(frozen=True)
class FittedBoundary:
    """A boundary, and all times that were tried."""

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
        use_classes: Tell a conditional flow the class of each image; by default it is told none.
        guidance: Of images whose class is told; by default the model's.
        solver: Its name; by default the model's.
        num_intervals: Intervals from t = 0 to 1; by default the model's.
        batch: Images at once.
        plot: PNG file of accuracy, error and objective over the time.
        device: As for ``Sampler``.
    """
    if Path(out).suffix != ".safetensors":
        raise ValueError(f"a boundary is a file *.safetensors; got {str(out)!r}")
    sampler = Sampler.from_pretrained(model, device=device, precision="fp32")
    flow = sampler.flow
    if use_classes and not flow.conditions.droppable:
        raise ValueError("this model is told no classes")
    chosen = sampler.settings(solver=solver, num_intervals=num_intervals, guidance=guidance)
    scale = chosen.guidance if use_classes else 0.0 if flow.conditions.droppable else 1.0
    if not isinstance(scale, int | float):
        raise ValueError(f"a boundary is fitted under one scale of guidance; got {scale}")
    chosen = sampler.settings(solver=solver, num_intervals=num_intervals, guidance=float(scale))
    found = labelled_images(data, attribute, against=against, table=table, size=size or flow.image_size, count=count)
    if use_classes and found.labels is None:
        raise ValueError("the images have no classes: a table tells them in a column label")
    began = clock.perf_counter()
    encoded = encode(
        flow, found.images, times if time is None else [time], sampling=chosen, space=space, batch=batch, check=16,
        given=given_of(flow, found.images, found.labels if use_classes else None),
    )  # fmt: skip
    seconds = clock.perf_counter() - began
    tried = candidates(
        encoded, found.positive, attribute=attribute, strength=strength, direction=direction, space=space,
        model=flow_digest(flow), guidance=float(scale),
    )  # fmt: skip
    best = mixing_time(tried)
    best.boundary.save(out)
    print(f"{len(found.images)} images encoded with {encoded.nfe} evaluations each, in {seconds:.1f} seconds\n")
    print(report(tried, best))
    if plot is not None:
        draw(tried, best, Path(plot))
    return FittedBoundary(best.boundary, tried)


def report(tried: Sequence[Candidate], best: Candidate) -> str:
    """A table of the times."""
    cells = [["time", "held-out accuracy", "brought across", "error there and back", "objective", ""]]
    for one in tried:
        numbers = [one.boundary.accuracy, one.flips]
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
    lower.plot(at, [one.objective for one in tried], "o-", label="objective")
    for one in (upper, lower):
        one.axvline(best.time, color="gray", linestyle=":", label=f"mixing time {best.time:g}")
        one.set_xlabel("t, from the source to the data")
        one.grid(alpha=0.3)
        one.legend()
    save_figure(figure, file, f"The boundary of {best.boundary.attribute}")
