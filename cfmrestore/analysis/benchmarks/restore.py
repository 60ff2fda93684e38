"""What a restoration costs beside the network and the decoder, and how its memory grows."""

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from cProfile import Profile
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import CodeType
from typing import Any

import numpy as np

from cfmrestore.analysis.benchmarks.cases import conditions, in_cases, report
from cfmrestore.engine.config.load import load_config
from cfmrestore.engine.memory import peak_bytes
from cfmrestore.imageio import Metadata, Picture, read_picture, write_picture
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore import Restorer, Settings
from cfmrestore.restore.stages import build

_CANVASES = 6  # of a whole image: the context, the start, the point, the velocity, a product with it, the next point


def benchmark_restore(
    model: str | Path,
    *,
    side: int = 1024,
    sides: Sequence[int] = (),
    rounds: int = 5,
    busy: int = 1,
    out: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Restore a photograph from file to file, and tell what was spent outside of network, encoder and decoder.

    Args:
        model: A checkpoint, or a config for a network that has not been trained: it takes as long.
        side: Of the result, in pixels.
        sides: Of further results whose peak memory is measured, each in a process of its own.
        rounds: How often it is timed in each case.
        settings: As for ``Settings``.
    """
    restorer, asked = load(str(model)), Settings.of(settings)
    result: dict[str, Any] = {**conditions(busy), "side": side}
    result["cases"] = in_cases(lambda: _times(restorer, asked, side, rounds), busy)
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        result["memory"] = list(pool.map(partial(_peak, str(model), settings), sides))
    nfe = result["cases"]["quiet"]["nfe"]
    report(f"From file to file, {side}x{side}, NFE {nfe}, median seconds", result, _lines(result), out)
    return result


def load(model: str, options: Mapping[str, Any] | None = None) -> Restorer:
    """Trained, or as a config with its options describes it."""
    if not model.endswith(".py"):
        return Restorer.from_pretrained(model)
    config = {**load_config(model, options).model, "data_preprocessor": None, "compile": False}  # as of a checkpoint
    return Restorer(build(config, None, model))


def _photograph(side: int) -> Picture:
    """A picture of noise at several scales: files of it are as large as a photograph's."""
    rng, total = np.random.default_rng(0), np.zeros((side, side, 3))
    for step in (1, 4, 16, 64):
        coarse = rng.standard_normal((-(-side // step), -(-side // step), 3))
        total += step**0.5 * coarse.repeat(step, 0).repeat(step, 1)[:side, :side]
    return Picture((128 + 8 * total).clip(0, 255).astype(np.uint8), Metadata(), "png")


def _times(restorer: Restorer, settings: Settings, side: int, rounds: int) -> dict[str, Any]:
    """Median seconds of the parts of a restoration from file to file, and the share of what is none of them."""
    parts, taken = _parts(restorer), []
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "low.png", Path(folder) / "high.png"
        write_picture(source, _photograph(-(-side // restorer.scale)))
        for _ in range(rounds + 1):
            profile, began = Profile(builtins=False), time.perf_counter()
            with profile:
                restored, _, nfe = restorer.restore(read_picture(source), settings)
                write_picture(target, restored)
            seconds = time.perf_counter() - began
            stats = profile.getstats()
            spent = {part: sum(s.totaltime for s in stats if s.code in codes) for part, codes in parts.items()}
            taken.append({"all": seconds, **spent, "rest": seconds - sum(spent.values())})
    del taken[0]  # which measures the network and warms up
    overhead = median(1 - (one["network"] + one["encoder"]) / one["all"] for one in taken)
    return {"nfe": nfe, "seconds": {key: median(one[key] for one in taken) for key in taken[0]}, "overhead": overhead}


def _parts(restorer: Restorer) -> dict[str, set[CodeType]]:
    """The functions by whose time a restoration is divided."""
    flows = [stage.flow for stage in restorer.stages]
    networks = [network for flow in flows for network in (flow.network, flow.coupling.network) if network is not None]
    functions: dict[str, list[Callable[..., Any]]] = {
        "reading": [read_picture],
        "writing": [write_picture],
        "network": [type(network).forward for network in networks],
        "encoder": [getattr(type(flow.encoder), name) for flow in flows for name in ("moments", "sample", "decode")],
    }
    return {part: {inspect.unwrap(one).__code__ for one in some} for part, some in functions.items()}


def _peak(model: str, settings: dict[str, Any], side: int) -> dict[str, Any]:
    """Peak memory of this process, and what the canvases of such an image take."""
    restorer = load(model)
    began = time.perf_counter()
    restored = restorer.restore(_photograph(-(-side // restorer.scale)), Settings.of(settings))[0]
    with TemporaryDirectory() as folder:
        write_picture(Path(folder) / "high.png", restored)
    space = restorer.stages[-1].flow.encoder
    canvas = 4 * side**2 * space.channels / space.downscale**2
    peak = peak_bytes()
    return {"side": side, "seconds": time.perf_counter() - began, "peak": peak, "canvases": _CANVASES * canvas}


def _lines(result: dict[str, Any]) -> Iterator[str]:
    parts, cases = list(result["cases"]["quiet"]["seconds"]), result["cases"].items()
    rows = [[case, *(f"{s:.3f}" for s in t["seconds"].values()), f"{100 * t['overhead']:.1f} %"] for case, t in cases]
    yield markdown_table([["case", *parts, "outside of network, encoder and decoder"], *rows])
    before = None
    for one in result["memory"]:
        line = f"{one['side']}x{one['side']}: peak {one['peak'] / 2**20:.0f} MiB in {one['seconds']:.1f} s"
        if before is not None:
            grown, canvases = one["peak"] - before["peak"], one["canvases"] - before["canvases"]
            line += f"; grew by {grown / 2**20:.0f} MiB, {_CANVASES} canvases by {canvases / 2**20:.0f} MiB"
        yield line
        before = one
