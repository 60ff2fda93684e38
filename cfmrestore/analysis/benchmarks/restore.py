"""What a restoration costs beside the network and the decoder, and how its memory grows."""

import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from cfmrestore.engine import checkpoints
from cfmrestore.engine.config.load import load_config
from cfmrestore.imageio.atomic import write_text
from cfmrestore.restore import Restorer, Settings
from cfmrestore.restore.files import Metadata, Picture, read_picture, write_picture
from cfmrestore.restore.models import build

_CANVASES = 6  # of a whole image: the context, the start, the point, the velocity, a product with it, the next point


def benchmark_restore(
    model: str | Path,
    *,
    side: int = 1024,
    sides: Sequence[int] = (),
    rounds: int = 5,
    out: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Restore a photograph from file to file, and tell what was spent outside of network, encoder and decoder.

    Args:
        model: A checkpoint, or a config for a network that has not been trained: it takes as long.
        side: Of the result, in pixels.
        sides: Of further results whose peak memory is measured, each in a process of its own.
        rounds: How often it is timed.
        out: JSON file for the figures.
        settings: As for ``Settings``.
    """
    result: dict[str, Any] = {"side": side, "time": _times(str(model), side, rounds, settings)}
    result["memory"] = [_in_a_process(str(model), one, settings) for one in sides]
    result |= {"threads": torch.get_num_threads(), "versions": checkpoints.versions()}
    _report(result)
    if out is not None:
        write_text(out, json.dumps(result, indent=2) + "\n")
    return result


def load(model: str) -> Restorer:
    """Trained, or as a config describes it."""
    if not model.endswith(".py"):
        return Restorer.from_pretrained(model)
    return Restorer(build({**load_config(model).model, "data_preprocessor": None}, None, model))


@contextmanager
def clocked(restorer: Restorer) -> Iterator[dict[str, float]]:
    """Seconds spent in the networks and encoders."""
    spent = {"network": 0.0, "encoder": 0.0}
    places = []
    for stage in restorer.stages:
        flow = stage.flow
        places += [
            (flow.network, "forward", "network"),
            (flow.encoder, "decode", "encoder"),
            (flow.encoder, "moments", "encoder"),
            (flow.encoder, "sample", "encoder"),
        ]
    originals = [getattr(thing, name) for thing, name, _ in places]
    for (thing, name, part), original in zip(places, originals, strict=True):
        setattr(thing, name, _clock(original, spent, part))
    try:
        yield spent
    finally:
        for thing, name, _ in places:
            delattr(thing, name)


def _clock(function: Callable[..., Any], spent: dict[str, float], part: str) -> Callable[..., Any]:
    def clocking(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] += time.perf_counter() - began

    return clocking


def _photograph(side: int) -> Picture:
    """A picture of noise at several scales: files of it are as large as a photograph's."""
    rng, total = np.random.default_rng(0), np.zeros((side, side, 3))
    for step in (1, 4, 16, 64):
        coarse = rng.standard_normal((-(-side // step), -(-side // step), 3))
        total += step**0.5 * coarse.repeat(step, 0).repeat(step, 1)[:side, :side]
    return Picture((128 + 8 * total).clip(0, 255).astype(np.uint8), Metadata(), "png")


def _times(model: str, side: int, rounds: int, settings: dict[str, Any]) -> dict[str, Any]:
    restorer, asked = load(model), Settings.of(settings)
    seconds: dict[str, list[float]] = {key: [] for key in ("reading", "writing", "network", "encoder", "rest", "all")}
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "low.png", Path(folder) / "high.png"
        write_picture(source, _photograph(-(-side // restorer.scale)))
        for index in range(rounds + 1):
            with clocked(restorer) as spent:
                marks = [time.perf_counter()]
                picture = read_picture(source)
                marks.append(time.perf_counter())
                restored, _, nfe = restorer.restore(picture, asked)
                marks.append(time.perf_counter())
                write_picture(target, restored)
                marks.append(time.perf_counter())
            if index:  # the first one measures the network and warms up
                done = {
                    **spent,
                    "reading": marks[1] - marks[0],
                    "writing": marks[3] - marks[2],
                    "all": marks[3] - marks[0],
                }
                done["rest"] = done["all"] - sum(done[key] for key in ("network", "encoder", "reading", "writing"))
                for key, value in done.items():
                    seconds[key].append(value)
    typical = {key: median(values) for key, values in seconds.items()}
    outside = [1 - (n + e) / a for n, e, a in zip(seconds["network"], seconds["encoder"], seconds["all"], strict=True)]
    return {"nfe": nfe, "seconds": typical, "overhead": median(outside)}


def _in_a_process(model: str, side: int, settings: dict[str, Any]) -> dict[str, Any]:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_peak, model, side, settings).result()


def _peak(model: str, side: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Peak memory of this process, and what the canvases of such an image take."""
    restorer = load(model)
    began = time.perf_counter()
    restored = restorer.restore(_photograph(-(-side // restorer.scale)), Settings.of(settings))[0]
    with TemporaryDirectory() as folder:
        write_picture(Path(folder) / "high.png", restored)
    space = restorer.stages[-1].flow.encoder
    canvas = 4 * side**2 * space.channels / space.downscale**2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"side": side, "seconds": time.perf_counter() - began, "peak": peak, "canvases": _CANVASES * canvas}


def _report(result: dict[str, Any]) -> None:
    timed = result["time"]
    parts = ", ".join(f"{key} {value:.3f}" for key, value in timed["seconds"].items() if key != "all")
    print(f"{result['side']}x{result['side']} in {timed['seconds']['all']:.3f} s, NFE {timed['nfe']}: {parts}")
    print(f"overhead: {100 * timed['overhead']:.1f} % of the time is outside of network, encoder and decoder")
    before = None
    for one in result["memory"]:
        line = f"{one['side']}x{one['side']}: peak {one['peak'] / 2**20:.0f} MiB in {one['seconds']:.1f} s"
        if before is not None:
            grown, canvases = one["peak"] - before["peak"], one["canvases"] - before["canvases"]
            line += f"; grew by {grown / 2**20:.0f} MiB, {_CANVASES} canvases by {canvases / 2**20:.0f} MiB"
        print(line)
        before = one
