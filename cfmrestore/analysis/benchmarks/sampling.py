"""What is spent outside of the network in a sampling of many evaluations."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cfmrestore.analysis.benchmarks.cases import clock_of, conditions, report
from cfmrestore.analysis.benchmarks.network import inputs_of
from cfmrestore.analysis.benchmarks.restore import load
from cfmrestore.analysis.benchmarks.stopwatch import Stopwatch
from cfmrestore.engine.memory import keep_freed_memory
from cfmrestore.flows.sampling import Sampling, Start, sample

NETWORK, OUTSIDE = "network", "outside"


class _Operators(TorchDispatchMode):
    """Operators, and readings of numbers, by the part of the stopwatch in which they are called."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self.watch = watch
        self.counts = {NETWORK: 0, OUTSIDE: 0}
        self.readings = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[self.watch.inside] += 1
        self.readings += func is torch.ops.aten._local_scalar_dense.default and self.watch.inside == OUTSIDE
        return func(*args, **(kwargs or {}))


def benchmark_sampling(
    config: str | Path,
    *,
    device: str = "cpu",
    num_intervals: int = 20,
    side: int = 32,
    batch: int = 1,
    rounds: int = 5,
    options: Mapping[str, Any] | None = None,
    out: str | None = None,
) -> dict[str, Any]:
    """Walk from noise to a latent by Euler's method, and tell the time, operators and readings outside of the network.

    A reading is a number that is asked of the device, which must first end all that it has to do.

    Args:
        config: Of a flow.
        device: "cpu" or "cuda".
        num_intervals: Evaluations.
        side: Of the latents.
        batch: Latents.
        rounds: How often it is timed.
        options: Dotted keys of the config and their values.
    """
    keep_freed_memory()
    flow = load(str(config), options).stages[-1].flow.to(device).eval().requires_grad_(False)
    told = inputs_of(flow, batch, side, device)
    x, _ = told.pop("x"), told.pop("t")
    watch, sampling = Stopwatch(clock_of(device)), Sampling(num_intervals=num_intervals)
    watch.watch(flow.network, "forward", NETWORK)

    def walk() -> None:
        with torch.no_grad(), watch.part(OUTSIDE):
            sample(Start(flow.execution().velocity(flow.network, told), x), flow.path, sampling)

    with _Operators(watch) as operators:
        walk()
    taken = []
    for _ in range(rounds):
        watch.reset()
        walk()
        taken.append(watch.milliseconds(1))
    result = {
        **conditions(0),
        "config": str(config),
        "device": device,
        "parameters": sum(p.numel() for p in flow.network.parameters()),
        "side": side,
        "batch": batch,
        "evaluations": num_intervals,
        "milliseconds": {part: median(one[part] for one in taken) for part in (NETWORK, OUTSIDE)},
        "share_outside": median(one[OUTSIDE] / sum(one.values()) for one in taken),
        "operators": operators.counts,
        "readings": int(operators.readings),
    }
    report(f"{num_intervals} evaluations of {config}", result, sampling_lines(result), out)
    return result


def sampling_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """What is spent outside, in time and in calls."""
    network, outside = (result["milliseconds"][part] for part in (NETWORK, OUTSIDE))
    calls, n = result["operators"], result["evaluations"]
    side = result["side"]
    yield (
        f"{result['parameters'] / 1e6:.1f} M parameters, {result['batch']} latents of {side}x{side}: "
        f"{network:.1f} ms in the network and {outside:.2f} ms outside of it, {100 * result['share_outside']:.2f} %"
    )
    yield (
        f"operators an evaluation: {calls[NETWORK] / n:.0f} in the network, {calls[OUTSIDE] / n:.1f} outside; "
        f"numbers read in all: {result['readings']}"
    )
