"""What the automatic choice of a model loses to the best one, on photographs that were degraded in known ways."""

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.datasets.base import to_tensor
from cfmrestore.degradations import Compose
from cfmrestore.engine.jobs import track
from cfmrestore.engine.panels import middle
from cfmrestore.evaluation.functional.psnr import psnr
from cfmrestore.imageio import Metadata, Picture, read_image, some_images
from cfmrestore.imageio.picture import from_planes
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng, key_of, mix
from cfmrestore.reports.json_csv import write_json
from cfmrestore.reports.markdown import format_number, markdown_table
from cfmrestore.restore import Restorer
from cfmrestore.restore.auto_model import KINDS, choose, covering
from cfmrestore.typing import Image

_BORDER = 4  # pixels of the result that are not compared
_CLOSE = 0.1  # dB, within which a choice is right
_ROUNDED = 10 * math.log10(12 * 255**2)  # dB: what rounding to 8 bits leaves, beyond which nothing is closer

_BLUR = {"type": "GaussianBlur", "sigma": (0.3, 1.6), "isotropic": True}
_NOISE = {"type": "GaussianNoise", "sigma": (1.0, 20.0)}
_JPEG = {"type": "JPEG", "quality": (30, 95)}

DONE: dict[str, Sequence[Mapping[str, Any]]] = {
    "shrunk": (),
    "JPEG": (_JPEG,),
    "noise": (_NOISE,),
    "blur": (_BLUR,),
    "blur, JPEG": (_BLUR, _JPEG),
    "noise, JPEG": (_NOISE, _JPEG),
}
"""What is done to a photograph after it was shrunk."""


def benchmark_choice(
    photographs: str | Path,
    *,
    split: str = "all",
    count: int = 200,
    scale: int = 4,
    side: int = 288,
    seed: int = 0,
    kinds: Sequence[str] = tuple(DONE),
    models: Sequence[str] = (),
    out: str | None = None,
) -> list[dict[str, Any]]:
    """Degrade photographs, restore each by all models at fidelity 1, and hold the choice against the closest result.

    A photograph is halved first, which hides what its own compression left.

    Args:
        photographs: A folder.
        split: Of it, as for ``ImageFolder``.
        count: How many photographs, evenly out of all; what is done goes in turn over them.
        scale: How many times it is shrunk, and enlarged again.
        side: Of their middles, in pixels.
        seed: Another one draws other strengths, and gives a photograph another kind.
        kinds: Names of ``DONE``.
        models: Names of bundled models beside those that the choice can take.
        out: A JSON file for a row a photograph.
    """
    if unknown := sorted(set(kinds) - DONE.keys()):
        raise ValueError(f"unknown kinds {', '.join(unknown)}; known are {', '.join(DONE)}")
    if scale < 1 or count < 1 or side < 8 * scale:
        least = 8 * max(scale, 1)
        raise ValueError(f"scale and count are 1 or more, side {least} or more; got {scale}, {count} and {side}")
    subsets = itertools.chain.from_iterable(itertools.combinations(KINDS, n) for n in range(len(KINDS) + 1))
    names = dict.fromkeys([*(covering(subset, scale) for subset in subsets), *models])
    restorers = {name: Restorer.from_pretrained(name, device="cpu") for name in names}
    files = some_images(photographs, split, count)
    rows = []
    for index, file in enumerate(track(files)):
        kind = kinds[(index + seed) % len(kinds)]
        rows.append(_judged(file, kind, scale, side, mix(seed, key_of(file.name)), restorers))
    print(table(rows))
    if out is not None:
        write_json(out, rows)
    return rows


def _judged(
    file: Path, kind: str, scale: int, side: int, seed: int, restorers: Mapping[str, Restorer]
) -> dict[str, Any]:
    """One photograph: what was done, the choice, and the PSNR of each model."""
    high = middle(resize(to_tensor(read_image(file))[None].float() / 255, scale=0.5).clamp(0, 1), side)
    h, w = (n // scale * scale for n in high.shape[-2:])
    high = high[..., :h, :w]
    shrink = [{"type": "Downscale", "scale": scale}] if scale > 1 else []
    chain = Compose(steps=[*shrink, {"type": "Quantize"}, *map(dict, DONE[kind])])
    params = chain.draw(high, ImageRng([seed]))
    low = Picture(from_planes(chain.apply(high, params).clamp(0, 1)[0].numpy(), np.dtype(np.uint8)), Metadata(), "png")
    choice = choose(low, scale)
    reached = {name: _psnr(restorer(low, fidelity=1, scale=scale), high) for name, restorer in restorers.items()}
    return {
        "file": file.name,
        "kind": kind,
        "params": chain.params_to_json(params),
        "choice": choice.model,
        "reason": choice.reason,
        "psnr": reached,
        "regret": max(reached.values()) - reached[choice.model],
    }


def _psnr(restored: Picture, high: Image) -> float:
    """Of RGB as it is written, without a border; at most that of rounding, 58.9 dB."""
    inner = (..., slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
    value = float(psnr(to_tensor(restored.pixels)[None].float()[inner], (high * 255).round()[inner], epsilon=1e-10))
    return min(value, _ROUNDED)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """How often the choice is right, and what it loses, by kind, beside taking one model for all."""
    models = list(rows[0]["psnr"])
    head = ["what was done", "photographs", f"within {_CLOSE} dB of the best", "mean loss, dB", "worst"]
    cells = [[*head, *(f"always {name}" for name in models)]]
    for kind in [*dict.fromkeys(row["kind"] for row in rows), "all"]:
        some = [row for row in rows if kind in (row["kind"], "all")]
        lost = np.array([row["regret"] for row in some])
        always = [np.mean([max(row["psnr"].values()) - row["psnr"][name] for row in some]) for name in models]
        right = f"{100 * np.mean(lost <= _CLOSE):.1f} %"
        cells.append(
            [kind, str(len(some)), right, *(format_number(float(x)) for x in (lost.mean(), lost.max(), *always))]
        )
    return markdown_table(cells)
