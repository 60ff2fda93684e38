"""Zero-shot restoration measured: super-resolution, deblurring and inpainting by one flow, trained for none."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.datasets.base import to_tensor
from cfmrestore.degradations import Compose, ForwardOperator
from cfmrestore.engine.jobs import track
from cfmrestore.engine.panels import caption, middle, stack, to_pixels, write_jpeg
from cfmrestore.evaluation.functional.haarpsi import haarpsi
from cfmrestore.evaluation.functional.psnr import psnr
from cfmrestore.imageio import read_image, some_images
from cfmrestore.imageio.atomic import write_text
from cfmrestore.ops.holes import fill_mean
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng, key_of, mix
from cfmrestore.reports.markdown import fill, format_number, metrics_table
from cfmrestore.restore import Restorer, Settings, ZeroShotRestorer
from cfmrestore.restore.known_degradation import KnownDegradation
from cfmrestore.typing import Image, Size

_QUANTIZE = {"type": "Quantize"}
_DETAILS = 2  # images of the picture, for each task
_CAPTION = 128  # pixels that one needs


@dataclass(frozen=True)
class Task:
    """A degradation, and what is done about it without a model.

    Args:
        baseline: Its name.
        steps: Operators, for photographs with sides of so many pixels.
        simple: The baseline, of the degraded image and the size before.
        scale: By how much the image shrinks.
    """

    baseline: str
    steps: Callable[[int], Sequence[Mapping[str, Any]]]
    simple: Callable[[Image, ForwardOperator, Size], Image]
    scale: int = 1


def _mean_color(low: Image, operator: ForwardOperator, size: Size) -> Image:
    holes = 1 - operator.known(torch.ones_like(low))[:, 0]
    return torch.stack([fill_mean(x, hole) for x, hole in zip(low, holes, strict=True)])


def _blurred(noise: float) -> Callable[[int], Sequence[Mapping[str, Any]]]:
    blur = {"type": "GaussianBlur", "sigma": (2.0, 2.0), "isotropic": True}
    return lambda side: [blur, {"type": "GaussianNoise", "sigma": (255 * noise, 255 * noise)}, _QUANTIZE]


def _box(side: int) -> Sequence[Mapping[str, Any]]:
    third = side // 3
    return [{"type": "BoxMask", "boxes": (1, 1), "side": (third, third), "margin": side // 8, "reference_side": None}]


TASKS = {
    "super-resolution x4": Task(
        "bicubic",
        lambda side: [{"type": "Downscale", "scale": 4}, _QUANTIZE],
        lambda low, operator, size: resize(low, size=size).clamp(0, 1),
        scale=4,
    ),
    "deblurring, noise 0.01": Task("the input", _blurred(0.01), lambda low, operator, size: low),
    "deblurring, noise 0.05": Task("the input", _blurred(0.05), lambda low, operator, size: low),
    "inpainting of a box": Task("mean color", _box, _mean_color),
}


@dataclass(frozen=True)
class Case:
    """One photograph, degraded."""

    high: Image
    low: Image
    how: KnownDegradation
    seed: int


def zero_shot(
    model: str,
    photographs: str | Path,
    *,
    split: str = "all",
    count: int = 10,
    side: int = 192,
    methods: Sequence[str] = ("flower", "pnp-flow", "mmps"),
    steps: int | None = None,
    beside: Mapping[str, str] | None = None,
    tasks: Sequence[str] = tuple(TASKS),
    picture: str | Path | None = None,
    out: str | Path | None = None,
    page: str | Path | None = None,
    device: str = "auto",
) -> str:
    """Degrade the middles of photographs, undo it by every method, measure; returns the tables.

    Args:
        model: A flow from noise.
        photographs: A folder.
        split: Of it, as for ``ImageFolder``.
        count: How many photographs, evenly out of all.
        side: Of their middles, in pixels.
        methods: Names of methods.
        steps: Of the methods, in place of their own.
        beside: Models that were trained to restore, by the titles of their rows: each beside the tasks of its scale, in
            holes where it is given masks.
        tasks: Names of ``TASKS``.
        picture: A JPEG file: of two photographs a task the input, the result of each method and the original.
        out: A file for the tables.
        page: A text file, where the tables stand between two lines ``<!-- zero-shot: begin -->`` and ``end``.
        device: As for ``Restorer``.
    """
    if unknown := sorted(set(tasks) - set(TASKS)):
        raise ValueError(f"unknown tasks {', '.join(unknown)}; known are {', '.join(TASKS)}")
    if page is not None:
        fill(page, "zero-shot", "", check=True)
    files = some_images(photographs, split, count)
    restorer = ZeroShotRestorer.from_pretrained(model, steps=steps, device=device)
    tables: list[str] = []
    details: list[np.ndarray] = []
    trained = {title: Restorer.from_pretrained(place, device=device) for title, place in (beside or {}).items()}
    for title, one in trained.items():
        if not any(_is_for(one, TASKS[name]) for name in tasks):
            needs = ", ".join(sorted(one.needs)) or "nothing"
            raise ValueError(
                f"{title} is for none of these tasks: its scale is {one.scale}, beside images it needs {needs}"
            )
    for name in tasks:
        cases = [_case(file, TASKS[name], side) for file in files]
        rows: dict[str, dict[str, float | None]] = {}
        simple = [TASKS[name].simple(case.low, case.how.operator, case.how.size) for case in cases]
        rows[TASKS[name].baseline] = _scores(cases, simple)
        shown: dict[str, list[Tensor]] = {}
        for method in methods:
            solver = ZeroShotRestorer(restorer.flow, method=method, steps=steps, device=device)
            began = time.perf_counter()
            done = [solver.solve(case.low, case.how, [case.seed]) for case in track(cases, f"{name}: {method}")]
            seconds = (time.perf_counter() - began) / len(cases)
            images = shown[method] = [one.image.float().cpu() for one in done]
            rows[method] = {**_scores(cases, images), "NFE": done[0].nfe, "seconds": seconds}
        for title, one in trained.items():
            if _is_for(one, TASKS[name]):
                rows[title] = _trained(cases, one)
        tables.append(metrics_table(name, rows, format_number))
        for case, *images in list(zip(cases, *shown.values(), strict=True))[:_DETAILS]:
            details.append(_detail(name, case, dict(zip(shown, images, strict=True)), side))
    text = "\n".join(tables)
    if out is not None:
        write_text(Path(out), text)
    if picture is not None:
        write_jpeg(picture, stack(details))
    if page is not None:
        fill(page, "zero-shot", text)
    return text


def _case(file: Path, task: Task, side: int) -> Case:
    high = middle(to_tensor(read_image(file))[None].float() / 255, side)
    if min(high.shape[-2:]) < side:
        raise ValueError(f"{file} is {high.shape[-1]}x{high.shape[-2]}: smaller than {side} pixels")
    chain, seed = Compose(steps=[dict(step) for step in task.steps(side)]), mix(0, key_of(file.name))
    params = chain.draw(high, ImageRng([seed]))
    how = KnownDegradation(ForwardOperator.of(chain, params), (side, side))
    return Case(high, chain.apply(high, params), how, seed)


def _is_for(restorer: Restorer, task: Task) -> bool:
    return restorer.scale == task.scale and restorer.needs == ({"mask"} if task.steps is _box else set())


def _trained(cases: Sequence[Case], restorer: Restorer) -> dict[str, float | None]:
    """A model that was trained for such a task."""
    began, images = time.perf_counter(), []
    for case in cases:
        holes = 1 - case.how.operator.known(torch.ones_like(case.low))[:, :1]
        images.append(restorer(case.low, seed=0, mask=holes if "mask" in restorer.needs else None))
    seconds = (time.perf_counter() - began) / len(cases)
    return {**_scores(cases, images), "NFE": restorer.nfe(Settings()), "seconds": seconds}


def _scores(cases: Sequence[Case], images: Sequence[Image]) -> dict[str, float | None]:
    """Means over the images, of RGB rounded to 8 bits."""
    pairs = [((image * 255).round(), (case.high * 255).round()) for case, image in zip(cases, images, strict=True)]
    return {
        "PSNR": float(np.mean([float(psnr(*pair)) for pair in pairs])),
        "HaarPSI": float(np.mean([float(haarpsi(*pair)) for pair in pairs])),
    }


def _detail(name: str, case: Case, restored: Mapping[str, Image], side: int) -> np.ndarray:
    """A row of the picture; small images by their pixels enlarged, so that the captions have room."""
    factor, larger = case.high.shape[-1] // case.low.shape[-1], -(-_CAPTION // side)
    columns = {name: _enlarged(case.low, factor), **restored, "original": case.high}
    return np.concatenate(
        [
            np.concatenate([caption(title, side * larger), to_pixels(_enlarged(one, larger)[0])])
            for title, one in columns.items()
        ],
        axis=1,
    )


def _enlarged(image: Image, factor: int) -> Image:
    return image.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
