"""Every operator of the registry beside its floor, and beside basicsr's function where there is one."""

import math
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor

from cfmrestore.analysis.benchmarks.timing import in_turn
from cfmrestore.degradations.base import Degradation
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS

_COMBINATORS = {"Compose", "OneOf", "Maybe", "Shuffle", "Repeat", "PerImage"}
_NEEDED: dict[str, dict[str, Any]] = {
    "Albumentations": {"transforms": [{"type": "MotionBlur", "p": 1}]},
    "RandomResize": {"factor": (0.5, 0.5), "probabilities": (0, 1, 0)},
}
_FOURIER = {"GaussianBlur", "GeneralizedBlur", "PlateauBlur", "SincBlur", "DefocusBlur", "MotionBlur", "USMSharp"}


def time_operators(x: Tensor, rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of each operator, its floor, and basicsr's function where there is one."""
    DEGRADATIONS.import_from_location()
    peers = _peers(x)
    rate = _rates(x)
    rows = []
    for name in sorted(set(DEGRADATIONS.module_dict) - _COMBINATORS):
        operator: Degradation[Any] = DEGRADATIONS.build({"type": name, **_NEEDED.get(name, {})})
        try:
            params = operator.draw(x, ImageRng(range(len(x))))
            y = operator.apply(x, params)
        except ValueError as error:  # several sizes in one batch, or a package that is not installed
            rows.append({"name": name, "skipped": str(error).split(":")[0]})
            continue
        functions: dict[str, Callable[[int], Any]] = {"ours": partial(_applied, operator, x, params)}
        if name in peers:
            functions["peer"] = partial(_called, peers[name])
        seconds = in_turn(functions, rounds if name not in _FOURIER else max(3, rounds // 3))
        floor, bound = _floor(name, x, y, rate)
        row = {"name": name, "ms": 1e3 * median(seconds["ours"]), "floor_ms": 1e3 * floor, "bound": bound}
        if "peer" in seconds:
            row["basicsr_ms"] = 1e3 * median(seconds["peer"])
        rows.append(row)
    return rows


def _applied(operator: Degradation[Any], x: Tensor, params: Any, number: int) -> Tensor:
    del number
    return operator.apply(x, params)


def _called(function: Callable[[], Any], number: int) -> Any:
    del number
    return function()


def _rates(x: Tensor) -> dict[str, float]:
    """Bytes and operations a second that this machine reaches, with all threads."""
    y, m = torch.empty_like(x), torch.rand(1024, 1024)
    copy = min(in_turn({"copy": lambda n: y.copy_(x)}, 10)["copy"])
    product = min(in_turn({"product": lambda n: m @ m}, 10)["product"])
    return {"bytes": 2 * x.nbytes / copy, "operations": 2 * 1024**3 / product}


def _floor(name: str, x: Tensor, y: Tensor, rate: dict[str, float]) -> tuple[float, str]:
    """The larger of bytes over bandwidth (read the input once, write the result) and operations over their rate.

    Operations are counted for filters by the Fourier transform: 2.5 n log2 n of a real transform, forth and back for
    every channel, and once for the kernel.
    """
    moved = (x.nbytes + y.nbytes) / rate["bytes"]
    pixels = x.shape[-1] * x.shape[-2]
    transforms = len(x) * (2 * x.shape[1] + 1) * (2 if name == "USMSharp" else 1)
    counted = transforms * 2.5 * pixels * math.log2(pixels) / rate["operations"] if name in _FOURIER else 0.0
    return (counted, "operations") if counted > moved else (moved, "bytes")


def _peers(x: Tensor) -> dict[str, Callable[[], Any]]:
    """basicsr's functions that do the same to a batch."""
    from basicsr.data import degradations as basicsr
    from basicsr.utils import DiffJPEG
    from basicsr.utils.img_process_util import USMSharp, filter2D
    from basicsr.utils.matlab_functions import imresize

    kernels, coder, sharpen = torch.rand(len(x), 21, 21) / 441, DiffJPEG(differentiable=False), USMSharp()
    quality = torch.full((len(x),), 60.0)

    def code() -> Tensor:
        with torch.no_grad():
            return coder(x, quality=quality)

    return {
        "GaussianBlur": lambda: filter2D(x, kernels),
        "GaussianNoise": lambda: basicsr.random_add_gaussian_noise_pt(x, sigma_range=(1, 30), gray_prob=0.4),
        "PoissonNoise": lambda: basicsr.random_add_poisson_noise_pt(x, scale_range=(0.05, 3), gray_prob=0.4),
        "JPEG": code,
        "DiffJPEG": code,
        "USMSharp": lambda: sharpen(x),
        "Downscale": lambda: [imresize(one, 0.25) for one in x],
    }


def print_operators(cases: dict[str, list[dict[str, Any]]]) -> None:
    """The table; where basicsr is faster it says so."""
    print()
    print("| operator | case | ms | floor ms | over floor | bound by | basicsr ms | basicsr / ours |")
    print("|---|---|---|---|---|---|---|---|")
    for rows in zip(*cases.values(), strict=True):
        for case, row in zip(cases, rows, strict=True):
            if "skipped" in row:
                print(f"| {row['name']} | {row['skipped']} | | | | | | |")
                break
            print(f"| {row['name']} | {case} | {_cells(row)} |")


def _cells(row: dict[str, Any]) -> str:
    cells = f"{row['ms']:.1f} | {row['floor_ms']:.1f} | {row['ms'] / row['floor_ms']:.1f} | {row['bound']} |"
    if "basicsr_ms" not in row:
        return f"{cells} |"
    faster = row["basicsr_ms"] / row["ms"]
    return f"{cells} {row['basicsr_ms']:.1f} | {faster:.2f}{' (basicsr wins)' if faster < 1 else ''}"
