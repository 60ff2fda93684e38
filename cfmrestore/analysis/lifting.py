"""Ways to enlarge a small latent measured, on photographs whose large latent is known."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.couplings.upsampling import enlarge
from cfmrestore.datasets.base import to_tensor
from cfmrestore.engine.jobs import track
from cfmrestore.engine.panels import caption, middle, stack, to_pixels, write_jpeg, write_png
from cfmrestore.evaluation.metric_names import metric_config
from cfmrestore.evaluation.metrics.evaluator import RestorationEvaluator
from cfmrestore.imageio import read_image, some_images
from cfmrestore.imageio.atomic import write_text
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import METRICS
from cfmrestore.reports.markdown import fill, format_number, metrics_table
from cfmrestore.restore import Restorer, Settings
from cfmrestore.typing import Image, Latent

_PATCHES: dict[str, Any] = {"patches": 8, "patch_side": 128, "min_images": 2}
_SHOWN, _SIDE = 4, 256  # photographs of the picture, and pixels of their middles


@dataclass(frozen=True)
class Case:
    """A photograph, and the latent of it at a fraction of its size."""

    name: str
    high: Image
    latent: Latent
    seed: int


@dataclass(frozen=True)
class Way:
    """How a picture is made of a case, and the evaluations of a flow that it takes; None where there is no flow."""

    picture: Callable[[Case], Image]
    nfe: int | None = None


def lifting(
    model: str,
    photographs: str | Path,
    *,
    split: str = "all",
    count: int | None = None,
    shrink: int = 1,
    intervals: Sequence[int] = (1,),
    fidelities: Sequence[float] = (0.0, 1.0),
    beside: Mapping[str, str] | None = None,
    metrics: Sequence[str] = ("psnr", "featuredistance", "kid:EfficientNetLite"),
    encoder: str | None = None,
    pictures: str | Path | None = None,
    picture: str | Path | None = None,
    out: str | Path | None = None,
    page: str | Path | None = None,
    device: str = "auto",
) -> str:
    """Halve photographs (by a model's own scale), encode them, enlarge the latents by every way; returns the table.

    The ways are those that need no training: enlarging the latent (repeated or bilinear), enlarging the decoded
    picture, encoding that again; then the flow; and last what the autoencoder makes of the photograph itself, which is
    the best that a large latent can be. Seconds are of the whole, from the small latent to the picture.

    Args:
        model: A flow that enlarges, in the space of an autoencoder.
        photographs: A folder.
        split: Of it, as for ``ImageFolder``.
        count: How many, evenly out of all; by default all.
        shrink: By how much photographs are shrunk before: smooth pictures without their own compression.
        intervals: Of the flow's grid, a row each.
        fidelities: Of the flow, rows each.
        beside: Models that restore what the small latent decodes to, by the titles of their rows.
        metrics: Names of metrics that take a target.
        encoder: Where the weights of the flow's encoder lie, in place of where the model says.
        pictures: A folder for the pictures of every way.
        picture: A JPEG file that shows some of them side by side.
        out: A file for the table.
        page: A text file, where the table stands between two lines ``<!-- lifting: begin -->`` and ``end``.
        device: As for ``Restorer``.
    """
    if page is not None:
        fill(page, "lifting", "", check=True)
    restorer = Restorer.from_pretrained(model, device=device, encoder={"path": encoder} if encoder else None)
    if restorer.scale == 1 or restorer.flow.encoder.affine:
        raise ValueError(f"{model} enlarges no latents of an autoencoder: name a flow that does")
    files = some_images(photographs, split, count)
    named = [(file.relative_to(photographs).as_posix(), file) for file in files]
    cases = [_case(name, file, seed, restorer, shrink) for seed, (name, file) in enumerate(named)]
    rows: dict[str, dict[str, float | None]] = {}
    shown: list[list[np.ndarray]] = []
    for title, way in _ways(restorer, intervals, fidelities, beside or {}, device).items():
        rows[title], images = _measured(title, way, cases, metrics)
        if pictures is not None:
            for case, image in zip(cases, images, strict=True):
                write_png(
                    (Path(pictures) / title.replace(" ", "_") / case.name).with_suffix(".png"), to_pixels(image[0])
                )
        shown.append(_column(title, images))
    table = metrics_table(f"{len(cases)} photographs", rows, format_number)
    if out is not None:
        write_text(Path(out), table)
    if picture is not None:
        shown.append(_column("originals", [case.high for case in cases]))
        write_jpeg(picture, stack([np.concatenate(row, axis=1) for row in zip(*shown, strict=True)]))
    if page is not None:
        fill(page, "lifting", table)
    return table


def _case(name: str, file: Path, seed: int, restorer: Restorer, shrink: int) -> Case:
    high = to_tensor(read_image(file))[None].float() / 255
    if shrink > 1:
        high = resize(high, scale=1 / shrink).clamp(0, 1)
    space, scale = restorer.flow.encoder, restorer.scale
    multiple = space.downscale * scale
    height, width = (n // multiple * multiple for n in high.shape[-2:])
    if not (height and width):
        raise ValueError(f"{file} is smaller than {multiple} pixels: there is no latent of it")
    high = (high[..., :height, :width] * 255).round() / 255
    low = (resize(high, scale=1 / scale).clamp(0, 1) * 255).round() / 255
    with torch.no_grad():
        latent = space.encode(low.to(restorer.device), ImageRng([seed])).cpu()
    return Case(name, high, latent, seed)


def _ways(
    restorer: Restorer,
    intervals: Sequence[int],
    fidelities: Sequence[float],
    beside: Mapping[str, str],
    device: str,
) -> dict[str, Way]:
    """Every way, by its title."""
    space, scale = restorer.flow.encoder, restorer.scale

    def decoded(latent: Latent) -> Image:
        return space.decode(latent.to(restorer.device)).float().clamp(0, 1).cpu()

    def encoded(image: Image, case: Case) -> Latent:
        return space.encode(image.to(restorer.device), ImageRng([case.seed]))

    def enlarged(case: Case) -> Image:
        return resize(decoded(case.latent), scale=scale)

    def flow(case: Case, settings: Settings) -> Image:
        return restorer.images(case.latent, settings, [case.seed], is_latent=True)[0]

    def restored(case: Case, peer: Restorer) -> Image:
        image: Image = peer(decoded(case.latent), scale=scale, seed=case.seed)
        return image

    ways = {
        "latents, nearest": Way(lambda case: decoded(enlarge(case.latent, scale, "nearest"))),
        "latents, bilinear": Way(lambda case: decoded(enlarge(case.latent, scale, "bilinear"))),
        "decoded, bicubic": Way(lambda case: enlarged(case).clamp(0, 1)),
        "decoded, bicubic, encoded": Way(lambda case: decoded(encoded(enlarged(case), case))),
    }
    for steps in intervals:
        for fidelity in fidelities:
            settings = Settings(num_intervals=steps, fidelity=fidelity)
            title = f"the flow, {steps} step{'' if steps == 1 else 's'}, fidelity {fidelity:g}"
            ways[title] = Way(partial(flow, settings=settings), restorer.nfe(settings))
    for title, place in beside.items():
        peer = Restorer.from_pretrained(place, device=device)
        ways[title] = Way(partial(restored, peer=peer), peer.nfe(Settings()))
    ways["the encoder's ceiling"] = Way(lambda case: decoded(encoded(case.high, case)))
    return ways


@torch.no_grad()
def _measured(
    title: str, way: Way, cases: Sequence[Case], metrics: Sequence[str]
) -> tuple[dict[str, float | None], list[Tensor]]:
    """The scores of a way, with its pictures as they would be saved."""
    evaluator = RestorationEvaluator(
        [METRICS.build(metric_config(name, **_PATCHES), default_args={"protocol": "rgb"}) for name in metrics]
    )
    evaluator.prepare(len(cases))
    images, seconds = [], 0.0
    for case in track(cases, title):
        began = time.perf_counter()
        image = way.picture(case)
        seconds += time.perf_counter() - began
        images.append((image * 255).round() / 255)
        evaluator.process([{"name": case.name, "scale": None, "restored": images[-1][0], "target": case.high[0]}])
    scores = evaluator.score(len(cases)).rows["restored"]
    means = {column: score.mean for column, score in scores.items()}
    return {**means, "NFE": way.nfe, "seconds": seconds / len(cases)}, images


def _column(title: str, images: Sequence[Image]) -> list[np.ndarray]:
    cells = [to_pixels(middle(one, _SIDE)[0]) for one in images[:_SHOWN]]
    return [np.concatenate([caption(title, cell.shape[1]), cell]) for cell in cells]
