"""Every operator of the registry beside its floor, and beside basicsr's function where there is one."""

import math
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor

from cfmrestore.analysis.benchmarks.cases import in_turn
from cfmrestore.degradations.base import Degradation
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.reports.markdown import markdown_table

Peer = Callable[[], Any]
_COMBINATORS = {"Compose", "OneOf", "Maybe", "Shuffle", "Repeat", "PerImage"}
_NEEDED: dict[str, dict[str, Any]] = {
    "Albumentations": {"transforms": [{"type": "MotionBlur", "p": 1}]},
    "BoundedMask": {"mask": {"type": "BoxMask"}},
    "RandomResize": {"factor": (0.5, 0.5), "probabilities": (0, 1, 0)},
}
_FOURIER = {"GaussianBlur", "GeneralizedBlur", "PlateauBlur", "SincBlur", "DefocusBlur", "MotionBlur", "USMSharp"}


def time_operators(x: Tensor, rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of each operator, its floor, and basicsr's function where there is one."""
    DEGRADATIONS.import_from_location()
    peers, rate = _peers(x), _rates(x)
    names = sorted(set(DEGRADATIONS.module_dict) - _COMBINATORS)
    return [_timed(name, x, rounds if name not in _FOURIER else max(3, rounds // 3), peers, rate) for name in names]


def _timed(name: str, x: Tensor, rounds: int, peers: dict[str, Peer], rate: dict[str, float]) -> dict[str, Any]:
    operator: Degradation[Any] = DEGRADATIONS.build({"type": name, **_NEEDED.get(name, {})})
    try:
        params = operator.draw(x, ImageRng(range(len(x))))
        y = operator.apply(x, params)
    except ValueError as error:  # several sizes in one batch, or a package that is not installed
        return {"name": name, "skipped": str(error).split(":")[0]}
    functions: dict[str, Callable[[int], Any]] = {"ms": lambda _: operator.apply(x, params)}
    if name in peers:
        functions["basicsr_ms"] = lambda _: peers[name]()
    seconds = in_turn(functions, rounds)
    floor, bound = _floor(name, x, y, rate)
    times = {key: 1e3 * median(one) for key, one in seconds.items()}
    return {"name": name, **times, "floor_ms": 1e3 * floor, "bound": bound}


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


def _peers(x: Tensor) -> dict[str, Peer]:
    """basicsr's functions that do the same to a batch."""
    from basicsr.data import degradations as basicsr
    from basicsr.utils import DiffJPEG
    from basicsr.utils.img_process_util import USMSharp, filter2D
    from basicsr.utils.matlab_functions import imresize

    kernels, coder, sharpen = torch.rand(len(x), 21, 21) / 441, DiffJPEG(differentiable=False), USMSharp()
    quality = torch.full((len(x),), 60.0)
    code = torch.no_grad()(lambda: coder(x, quality=quality))

    return {
        "GaussianBlur": lambda: filter2D(x, kernels),
        "GaussianNoise": lambda: basicsr.random_add_gaussian_noise_pt(x, sigma_range=(1, 30), gray_prob=0.4),
        "PoissonNoise": lambda: basicsr.random_add_poisson_noise_pt(x, scale_range=(0.05, 3), gray_prob=0.4),
        "JPEG": code,
        "DiffJPEG": code,
        "USMSharp": lambda: sharpen(x),
        "Downscale": lambda: [imresize(one, 0.25) for one in x],
    }


def operator_table(cases: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown; where basicsr is faster it says so."""
    table = [["operator", "case", "ms", "floor ms", "over floor", "bound by", "basicsr ms", "basicsr / ours"]]
    for rows in zip(*cases.values(), strict=True):
        for case, row in zip(cases, rows, strict=True):
            if "skipped" in row:
                table.append([row["name"], row["skipped"], *[""] * 6])
                break
            ms, floor, peer = row["ms"], row["floor_ms"], ["", ""]
            if "basicsr_ms" in row:
                faster = row["basicsr_ms"] / ms
                peer = [f"{row['basicsr_ms']:.1f}", f"{faster:.2f}{' (basicsr wins)' if faster < 1 else ''}"]
            table.append([row["name"], case, f"{ms:.1f}", f"{floor:.1f}", f"{ms / floor:.1f}", row["bound"], *peer])
    return markdown_table(table)
