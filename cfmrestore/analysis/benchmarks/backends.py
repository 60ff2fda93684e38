"""What evaluates a network fastest on this CPU."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from cfmrestore.analysis.benchmarks.cases import conditions, in_cases, in_turn, quartiles, report
from cfmrestore.execution.backends import BACKENDS
from cfmrestore.ops.rng import ImageRng
from cfmrestore.reports.markdown import markdown_table
from cfmrestore.restore import Restorer


def benchmark_backends(
    model: str | Path,
    *,
    backends: Sequence[str] | None = None,
    side: int = 512,
    rounds: int = 7,
    busy: int = 1,
    out: str | None = None,
) -> dict[str, Any]:
    """Time a whole restoration, from tensor to tensor, by each backend in turn, and what preparing it costs once.

    Args:
        model: As for ``Restorer.from_pretrained``.
        backends: By name; torch is measured in any case, as that to which the others are compared.
        side: Of the result, in pixels.
        rounds: How often each is timed in each case.
    """
    names = list(dict.fromkeys(["torch", *(backends or BACKENDS)]))
    restorers = {name: Restorer.from_pretrained(model, device="cpu", backend=name) for name in names}
    scale = restorers["torch"].scale
    image = ImageRng([0]).uniform(3, -(-side // scale), -(-side // scale))
    functions: dict[str, Callable[[int], Any]] = {
        name: partial(_restored, restorer, image) for name, restorer in restorers.items()
    }
    result: dict[str, Any] = {**conditions(busy), "model": str(model), "side": side, "cpu": _cpu()}
    pictures, result["seconds_to_prepare"] = {}, {}
    for name, function in functions.items():
        began = time.perf_counter()
        pictures[name] = function(0)
        result["seconds_to_prepare"][name] = time.perf_counter() - began
    levels = {name: 255 * float((one - pictures["torch"]).abs().max()) for name, one in pictures.items()}
    result["levels"], result["cases"] = levels, in_cases(lambda: _compared(in_turn(functions, rounds)), busy)
    report(f"A restoration to {side}x{side} by {model}, milliseconds", result, [table(result)], out)
    return result


def _restored(restorer: Restorer, image: Tensor, number: int) -> Tensor:
    del number  # of the round
    restored: Tensor = restorer(image, tile=0)
    return restored


def _compared(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Quartiles of milliseconds, and the ratio of medians to torch's."""
    return {
        name: {"milliseconds": [1e3 * q for q in quartiles(one)], "ratio": median(one) / median(seconds["torch"])}
        for name, one in seconds.items()
    }


def table(result: dict[str, Any]) -> str:
    """Markdown of what was measured: a row a backend."""
    cases = result["cases"]
    titles = {"quiet": "as it is, ms", "busy": f"beside {result['busy_processes']} busy, ms"}
    columns = [title for case in cases for title in (titles[case], "quartiles", "of torch")]
    rows = []
    for name, first in result["seconds_to_prepare"].items():
        cells = [name, f"{first:.0f} s"]
        for timed in cases.values():
            low, middle, high = timed[name]["milliseconds"]
            cells += [f"{middle:.0f}", f"{low:.0f} to {high:.0f}", f"{timed[name]['ratio']:.2f}"]
        rows.append([*cells, f"{result['levels'][name]:.4f}"])
    return markdown_table([["backend", "first", *columns, "differs by, levels of 255"], *rows])


def _cpu() -> str:
    return f"{torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
