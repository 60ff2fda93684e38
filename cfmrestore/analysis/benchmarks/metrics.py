"""PSNR with SSIM, and NIQE, beside basicsr's."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from cfmrestore._compat import patch_torchvision
from cfmrestore.analysis.benchmarks.cases import compared, comparison_table, conditions, in_cases, in_turn, report
from cfmrestore.engine.memory import keep_freed_memory
from cfmrestore.engine.panels import to_pixels
from cfmrestore.evaluation.folders import load_image
from cfmrestore.evaluation.functional.niqe import niqe
from cfmrestore.evaluation.functional.prepare import prepare
from cfmrestore.evaluation.protocols import find_protocol
from cfmrestore.imageio import list_images
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
    """
    keep_freed_memory()
    images = [load_image(path)[None] for path in list_images(folder)]
    pairs = [(image, _enlarged(image)) for image in images if min(image.shape[-2:]) >= 4 * _BORDER + 11]
    if not pairs:
        raise ValueError(f"no image of {str(folder)!r} is large enough for SSIM")
    large = [image for image in images if min(image.shape[-2:]) >= _NIQE_SIDE]
    result, (their_pair, their_niqe, their_luma_niqe) = conditions(busy), _theirs()

    def compare(ours: Measure, theirs: Measure, own: list[Any], foreign: list[Any]) -> dict[str, Any]:
        functions = {"ours": lambda _: [*map(ours, own)], "basicsr": lambda _: [*map(theirs, foreign)]}
        cases = in_cases(lambda: compared(in_turn(functions, rounds), len(own)), busy)
        return {"images": len(own), "cases": cases, "difference": _largest(ours, theirs, own, foreign)}

    result["PSNR+SSIM"] = compare(_our_pair, their_pair, pairs, [(_bytes(a), _bytes(b)) for a, b in pairs])
    if large:
        result["NIQE"] = compare(_our_niqe, their_niqe, large, [_bytes(image) for image in large])
        result["NIQE"]["difference_on_same_luma"] = _largest(_our_niqe, their_luma_niqe, large, large)
    report(f"Luma metrics, a border of {_BORDER} pixels cut, milliseconds an image", result, _lines(result), out)
    return result


def _our_pair(pair: tuple[Tensor, Tensor]) -> tuple[float, ...]:
    protocol = find_protocol("basicsr_y")
    return float(protocol.psnr(*pair, _BORDER)), float(protocol.ssim(*pair, _BORDER))


def _our_niqe(image: Tensor) -> tuple[float, ...]:
    return (float(niqe(prepare(image, channel="y", border=_BORDER))[0]),)


def _theirs() -> tuple[Measure, Measure, Measure]:
    """basicsr's of a pair of bytes, of bytes, and of the same luma as ours."""
    patch_torchvision()
    from basicsr.metrics.niqe import calculate_niqe
    from basicsr.metrics.psnr_ssim import calculate_psnr, calculate_ssim

    def pair_metrics(pair: tuple[np.ndarray, np.ndarray]) -> tuple[float, ...]:
        keys = {"crop_border": _BORDER, "test_y_channel": True}
        return float(calculate_psnr(*pair, **keys)), float(calculate_ssim(*pair, **keys))

    def niqe_of_luma(image: Tensor) -> tuple[float, ...]:
        luma = prepare(image, channel="y", border=_BORDER)[0, 0].numpy()
        return (float(calculate_niqe(luma, crop_border=0, input_order="HW")),)

    return pair_metrics, lambda image: (float(calculate_niqe(image, crop_border=_BORDER)),), niqe_of_luma


def _largest(ours: Measure, theirs: Measure, own: list[Any], foreign: list[Any]) -> list[float]:
    """The largest absolute difference of each number."""
    rows = [
        [0.0 if x == y else abs(x - y) for x, y in zip(ours(a), theirs(b), strict=True)]
        for a, b in zip(own, foreign, strict=True)
    ]
    return [max(column) for column in zip(*rows, strict=True)]


def _enlarged(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    small = resize(image, size=(math.ceil(height / 4), math.ceil(width / 4)))
    return resize(small, size=(height, width)).clamp(0, 1)


def _bytes(image: Tensor) -> np.ndarray:
    return np.ascontiguousarray(to_pixels(image[0].double())[..., ::-1])


def _lines(result: dict[str, Any]) -> Iterator[str]:
    kinds = {kind: result[kind] for kind in ("PSNR+SSIM", "NIQE") if kind in result}
    yield comparison_table({kind: row["cases"] for kind, row in kinds.items()})
    for kind, row in kinds.items():
        keys = [key for key in ("difference", "difference_on_same_luma") if key in row]
        given = "; on the same rounded luma ".join(", ".join(f"{d:.1e}" for d in row[key]) for key in keys)
        yield f"{kind}, {row['images']} images: the largest difference from basicsr's is {given}"
