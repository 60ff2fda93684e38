"""Real-ESRGAN's second-order chain beside basicsr's, and every operator beside its floor."""

import json
import random
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.analysis.benchmarks.basicsr_chain import BasicsrChain
from cfmrestore.analysis.benchmarks.cases import conditions, in_cases, print_conditions
from cfmrestore.analysis.benchmarks.operators import print_operators, time_operators
from cfmrestore.analysis.benchmarks.timing import in_turn, quartiles
from cfmrestore.datasets.base import to_tensor
from cfmrestore.engine.config import presets
from cfmrestore.engine.malloc import keep_freed_memory
from cfmrestore.imageio import list_images, read_image
from cfmrestore.imageio.atomic import write_text
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
        busy: Processes that keep a core each busy, in the second case.
        out: JSON file for the figures.
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
    _report(result)
    if out is not None:
        write_text(out, json.dumps(result, indent=2) + "\n")
    return result


def _time_chains(x: Tensor, rounds: int, *, sharpen: bool) -> dict[str, Any]:
    cfg = presets.resolved("real_esrgan")
    steps = [*(cfg["target"] if sharpen else []), *cfg["degradation"][0]["steps"]]
    ours = DEGRADATIONS.build({"type": "PerImage", "steps": steps})
    theirs, b = BasicsrChain(sharpen=sharpen), len(x)
    _seed(0)
    seconds = in_turn(
        {"ours": lambda n: ours(x, ImageRng(range(n * b, (n + 1) * b))), "basicsr": lambda n: theirs(x)}, rounds
    )
    return {
        "images_per_second": {name: b * rounds / sum(s) for name, s in seconds.items()},
        "ratio": sum(seconds["basicsr"]) / sum(seconds["ours"]),
        "ratio_of_medians": median(seconds["basicsr"]) / median(seconds["ours"]),
        "milliseconds": {name: [1e3 * q for q in quartiles(s)] for name, s in seconds.items()},
    }


def _squares(folder: str | Path, batch: int, side: int) -> Tensor:
    images = []
    for path in list_images(folder):
        pixels = read_image(path)
        if min(pixels.shape[:2]) >= side:
            top, left = ((n - side) // 2 for n in pixels.shape[:2])
            images.append(to_tensor(pixels[top : top + side, left : left + side]))
    if not images:
        raise ValueError(f"no image of {str(folder)!r} has {side} pixels on both sides")
    return torch.stack([images[i % len(images)] for i in range(batch)]).float() / 255


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - basicsr draws from there
    torch.manual_seed(seed)


def _report(result: dict[str, Any]) -> None:
    print(f"\nReal-ESRGAN's second-order chain, {result['batch']} images of {result['side']}x{result['side']}")
    print_conditions(result)
    print("| chain | case | by | images a second | median ms | quartiles ms |\n|---|---|---|---|---|---|")
    kinds = ("without sharpening", "whole")
    for kind in kinds:
        for case, chains in result[kind].items():
            for name, (low, middle, high) in chains["milliseconds"].items():
                rate = chains["images_per_second"][name]
                print(f"| {kind} | {case} | {name} | {rate:.0f} | {middle:.0f} | {low:.0f} to {high:.0f} |")
    for kind in kinds:
        for case, chains in result[kind].items():
            ratio, medians = chains["ratio"], chains["ratio_of_medians"]
            print(
                f"\n{kind}, {case}: {ratio:.1f} times basicsr's images a second; the ratio of medians is {medians:.1f}"
            )
    print_operators(result["operators"])
