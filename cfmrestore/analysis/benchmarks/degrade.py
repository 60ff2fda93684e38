"""Real-ESRGAN's second-order chain beside basicsr's, and every operator beside its floor."""

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore.analysis.benchmarks.basicsr_chain import BasicsrChain
from cfmrestore.analysis.benchmarks.cases import compared, comparison_table, conditions, in_cases, in_turn, report
from cfmrestore.analysis.benchmarks.operators import operator_table, time_operators
from cfmrestore.engine.config import presets
from cfmrestore.engine.loops import seed_everything
from cfmrestore.engine.memory import keep_freed_memory
from cfmrestore.engine.panels import middle
from cfmrestore.evaluation.folders import load_image
from cfmrestore.imageio import list_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS


def benchmark_degrade(
    photographs: str | Path,
    *,
    rounds: int = 160,
    batch: int = 16,
    side: int = 256,
    busy: int = 1,
    out: str | None = None,
) -> dict[str, Any]:
    """Time the preset real_esrgan and basicsr's chain in turn, then operator by operator.

    The chains are timed without the sharpening of the photographs too: basicsr's takes most of the whole.

    Args:
        photographs: A folder of images; squares from their middle are degraded.
        rounds: How often each is timed in each case; the whole chains an eighth as often. basicsr draws kinds once a
            batch, and takes 70 or 400 ms accordingly: the ratio of few rounds is one of chance.
        batch: Images a call.
        side: Of an image, in pixels.
    """
    keep_freed_memory()
    x = _squares(photographs, batch, side)
    result = {
        **conditions(busy),
        "without sharpening": in_cases(lambda: _time_chains(x, rounds, sharpen=False), busy),
        "whole": in_cases(lambda: _time_chains(x, max(2, rounds // 8), sharpen=True), busy),
        "operators": in_cases(lambda: time_operators(x, max(2, rounds // 12)), busy),
        "batch": batch,
        "side": side,
    }
    report(f"Real-ESRGAN's second-order chain, {batch} images of {side}x{side}", result, _lines(result), out)
    return result


def _time_chains(x: Tensor, rounds: int, *, sharpen: bool) -> dict[str, Any]:
    cfg = presets.resolved("real_esrgan")
    steps = [*(cfg["target"] if sharpen else []), *cfg["degradation"][0]["steps"]]
    ours = DEGRADATIONS.build({"type": "PerImage", "steps": steps})
    theirs, b = BasicsrChain(sharpen=sharpen), len(x)
    seed_everything(0)  # basicsr draws from the global generators
    seconds = in_turn(
        {"ours": lambda n: ours(x, ImageRng(range(n * b, (n + 1) * b))), "basicsr": lambda n: theirs(x)}, rounds
    )
    return {**compared(seconds), "images_per_second": {name: b * rounds / sum(s) for name, s in seconds.items()}}


def _squares(folder: str | Path, batch: int, side: int) -> Tensor:
    images = (image for image in map(load_image, list_images(folder)) if min(image.shape[-2:]) >= side)
    squares = [middle(image, side) for image in islice(images, batch)]
    if not squares:
        raise ValueError(f"no image of {str(folder)!r} has {side} pixels on both sides")
    return torch.stack([*islice(cycle(squares), batch)])


def _lines(result: dict[str, Any]) -> Iterator[str]:
    chains = {kind: result[kind] for kind in ("without sharpening", "whole")}
    yield comparison_table(chains)
    for kind, cases in chains.items():
        for case, timed in cases.items():
            ours, theirs = timed["images_per_second"].values()
            rates = f"({ours:.0f} beside {theirs:.0f})"
            yield f"{kind}, {case}: {timed['ratio']:.1f} times basicsr's images a second {rates}"
    yield "\n" + operator_table(result["operators"])
