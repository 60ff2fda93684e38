"""PSNR with SSIM, and NIQE, beside basicsr's."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from torch import Tensor

from cfmrestore._compat import patch_torchvision
from cfmrestore.analysis.benchmarks.cases import conditions, in_cases, print_conditions
from cfmrestore.analysis.benchmarks.timing import in_turn, quartiles
from cfmrestore.datasets.base import to_tensor
from cfmrestore.engine.malloc import keep_freed_memory
from cfmrestore.evaluation.functional.niqe import niqe
from cfmrestore.evaluation.functional.prepare import prepare
from cfmrestore.evaluation.protocols import find_protocol
from cfmrestore.imageio import list_images, read_image
from cfmrestore.imageio.atomic import write_text
from cfmrestore.ops.resize import resize

_BORDER = 4
_NIQE_SIDE = 2 * 96 + 2 * _BORDER  # of the smallest image that surely has the blocks for NIQE

Measure = Callable[[Any], tuple[float, ...]]


def benchmark_metrics(folder: str | Path, *, rounds: int = 5, busy: int = 1, out: str | None = None) -> dict[str, Any]:
    """Time the luma metrics and basicsr's in turn, a border of four pixels cut, over the images of a folder.

    Both get what their users have: ours RGB floats in [0, 1], basicsr's BGR bytes; the way to luma is timed with it.
    basicsr computes luma in float32, of which one or two pixels round to another level before NIQE: its largest
    difference is told twice, as its users get it and on the same rounded luma.

    Args:
        folder: Of images; what is compared with them is their enlargement from a quarter by bicubic.
        rounds: How often each is timed over the whole folder, in each case.
        busy: Processes that keep a core each busy, in the second case.
        out: JSON file for the figures.
    """
    keep_freed_memory()
    images = [_image(path) for path in list_images(folder)]
    pairs = [(image, _enlarged(image)) for image in images if min(image.shape[-2:]) >= 4 * _BORDER + 11]
    if not pairs:
        raise ValueError(f"no image of {str(folder)!r} is large enough for SSIM")
    large = [image for image in images if min(image.shape[-2:]) >= _NIQE_SIDE]
    result = conditions(busy)
    foreign = [(_bytes(a), _bytes(b)) for a, b in pairs]
    result["PSNR+SSIM"] = _compare(_our_pair, _their_pair, pairs, foreign, rounds, busy)
    if large:
        result["NIQE"] = _compare(_our_niqe, _their_niqe, large, [_bytes(image) for image in large], rounds, busy)
        result["NIQE"]["difference_on_same_luma"] = _largest(_our_niqe, _their_luma_niqe, large, large)
    _report(result)
    if out is not None:
        write_text(out, json.dumps(result, indent=2) + "\n")
    return result


def _our_pair(pair: tuple[Tensor, Tensor]) -> tuple[float, ...]:
    protocol = find_protocol("basicsr_y")
    return float(protocol.psnr(*pair, _BORDER)), float(protocol.ssim(*pair, _BORDER))


def _their_pair(pair: tuple[np.ndarray, np.ndarray]) -> tuple[float, ...]:
    from basicsr.metrics.psnr_ssim import calculate_psnr, calculate_ssim

    keys = {"crop_border": _BORDER, "test_y_channel": True}
    return float(calculate_psnr(*pair, **keys)), float(calculate_ssim(*pair, **keys))


def _our_niqe(image: Tensor) -> tuple[float, ...]:
    return (float(niqe(prepare(image, channel="y", border=_BORDER))[0]),)


def _their_niqe(image: np.ndarray) -> tuple[float, ...]:
    from basicsr.metrics.niqe import calculate_niqe

    return (float(calculate_niqe(image, crop_border=_BORDER)),)


def _their_luma_niqe(image: Tensor) -> tuple[float, ...]:
    from basicsr.metrics.niqe import calculate_niqe

    return (float(calculate_niqe(_luma(image), crop_border=0, input_order="HW")),)


def _compare(
    ours: Measure, theirs: Measure, own: list[Any], foreign: list[Any], rounds: int, busy: int
) -> dict[str, Any]:
    patch_torchvision()
    functions = {
        "ours": lambda _: [ours(one) for one in own],
        "basicsr": lambda _: [theirs(one) for one in foreign],
    }
    return {
        "images": len(own),
        "cases": in_cases(lambda: _rates(in_turn(functions, rounds), len(own)), busy),
        "difference": _largest(ours, theirs, own, foreign),
    }


def _rates(seconds: dict[str, list[float]], images: int) -> dict[str, Any]:
    return {
        "milliseconds": {name: [1e3 * q / images for q in quartiles(s)] for name, s in seconds.items()},
        "ratio": sum(seconds["basicsr"]) / sum(seconds["ours"]),
        "ratio_of_medians": median(seconds["basicsr"]) / median(seconds["ours"]),
    }


def _largest(ours: Measure, theirs: Measure, own: list[Any], foreign: list[Any]) -> list[float]:
    """The largest absolute difference of each number."""
    rows = [
        [0.0 if x == y else abs(x - y) for x, y in zip(ours(a), theirs(b), strict=True)]
        for a, b in zip(own, foreign, strict=True)
    ]
    return [max(column) for column in zip(*rows, strict=True)]


def _image(path: Path) -> Tensor:
    return to_tensor(read_image(path)).float()[None] / 255


def _enlarged(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    small = resize(image, size=(math.ceil(height / 4), math.ceil(width / 4)))
    return resize(small, size=(height, width)).clamp(0, 1)


def _bytes(image: Tensor) -> np.ndarray:
    levels = (image[0].double() * 255).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(levels[..., ::-1])


def _luma(image: Tensor) -> np.ndarray:
    return prepare(image, channel="y", border=_BORDER)[0, 0].numpy()


def _report(result: dict[str, Any]) -> None:
    print(f"\nLuma metrics, a border of {_BORDER} pixels cut, milliseconds an image")
    print_conditions(result)
    print(
        "| metric | case | ours | quartiles | basicsr | quartiles | ratio of medians |\n|---|---|---|---|---|---|---|"
    )
    kinds = [kind for kind in ("PSNR+SSIM", "NIQE") if kind in result]
    for kind in kinds:
        for case, rates in result[kind]["cases"].items():
            cells = [f"{m:.2f} | {low:.2f} to {high:.2f}" for low, m, high in rates["milliseconds"].values()]
            print(f"| {kind} | {case} | {' | '.join(cells)} | {rates['ratio_of_medians']:.1f} |")
    for kind in kinds:
        row = result[kind]
        keys = [key for key in ("difference", "difference_on_same_luma") if key in row]
        given, *same = (", ".join(f"{d:.1e}" for d in row[key]) for key in keys)
        differences = "; on the same rounded luma ".join([given, *same])
        print(f"\n{kind}, {row['images']} images: the largest difference from basicsr's is {differences}")
