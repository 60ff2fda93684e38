"""What an evaluation of a network costs, and a step of its training, beside the device's own products of matrices."""

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cfmrestore.analysis.benchmarks.cases import conditions, quartiles, report
from cfmrestore.analysis.benchmarks.restore import load
from cfmrestore.reports.markdown import markdown_table

_PRODUCT = 8192  # side of the matrices by whose product the device's rate is told; 1024 on a processor
_PRECISIONS = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Mode:
    """One way to run a network."""

    batch: int
    precision: str
    layout: str
    run: str

    def context(self, device: str) -> AbstractContextManager[Any]:
        dtype = _PRECISIONS[self.precision]
        return nullcontext() if dtype is torch.float32 else torch.autocast(device, dtype=dtype)


def benchmark_network(
    config: str | Path,
    *,
    device: str = "cpu",
    side: int = 64,
    batches: Sequence[int] = (1,),
    precisions: Sequence[str] = ("fp32", "bf16"),
    runs: Sequence[str] = ("eager",),
    train: bool = True,
    rounds: int = 20,
    options: Mapping[str, Any] | None = None,
    out: str | None = None,
) -> dict[str, Any]:
    """Time the network of a config that has not been trained, on latents of a side.

    Each mode is told with the operations a second that it reaches and the share of the device's own rate in that
    precision: the product of two large matrices.

    Args:
        config: Of a flow.
        device: "cpu" or "cuda".
        side: Of the latents.
        batches: Latents an evaluation.
        precisions: Some of fp32, tf32 and bf16.
        runs: Some of "eager", "graph" (a CUDA graph of the eager network) and "compile".
        train: Time a step of training too: forward, backward and Adam.
        rounds: How often each is timed.
        options: Dotted keys of the config and their values.
    """
    unknown = [*({*precisions} - {*_PRECISIONS}), *({*runs} - {"eager", "graph", "compile"})]
    if unknown or device not in ("cpu", "cuda"):
        raise ValueError(
            f"{(unknown or [device])[0]!r} is unknown: precisions are {', '.join(_PRECISIONS)}, runs eager, graph and "
            "compile, devices cpu and cuda"
        )
    if device == "cpu" and ("graph" in runs or "tf32" in precisions):
        raise ValueError("graphs and tf32 are a GPU's")
    flow = load(str(config), options).stages[-1].flow
    network = flow.network.to(device).eval().requires_grad_(False)
    inputs = {batch: inputs_of(flow, batch, side, device) for batch in batches}
    rates = {precision: _matrix_rate(precision, device) for precision in precisions}
    rows = []
    for batch, precision, run, layout in product(batches, precisions, runs, ("contiguous", "channels_last")):
        mode = Mode(batch, precision, layout, run)
        with _precision(precision):
            rows.append(_time(network, inputs[batch], mode, device, rates[precision], rounds))
    steps = []
    if train:
        network.train().requires_grad_(True)
        for batch, precision in product(batches, precisions):
            mode = Mode(batch, precision, "channels_last", "training")
            with _precision(precision):
                steps.append(_time(network, inputs[batch], mode, device, rates[precision], rounds))
    result = {
        **conditions(0),
        "config": str(config),
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "cpu",
        "parameters": sum(p.numel() for p in network.parameters()),
        "side": side,
        "flops": _flops(network, inputs[batches[0]]) / batches[0],
        "matrix_rates": rates,
        "evaluations": rows,
        "training": steps,
    }
    report(f"An evaluation of the network of {config}, latents of {side}x{side}", result, _lines(result), out)
    return result


def inputs_of(flow: Any, batch: int, side: int, device: str) -> dict[str, Tensor]:
    """What the network is given: noise, times, and whatever its conditions tell."""
    generator = torch.Generator().manual_seed(0)

    def noise(channels: int, *size: int) -> Tensor:
        return torch.randn(batch, channels, *size, generator=generator).to(device)

    inputs = {"x": noise(flow.encoder.channels, side, side), "t": torch.rand(batch, generator=generator).to(device)}
    stack = flow.conditions
    if stack.context_channels:
        inputs["context"] = noise(stack.context_channels, side, side)
    if stack.embedding_channels:
        inputs["embedding"] = noise(stack.embedding_channels)
    if stack.noise_level:
        inputs["noise_level"] = torch.ones(batch, device=device)
    return inputs


@contextmanager
def _precision(name: str) -> Iterator[None]:
    """TensorFloat-32 where it is asked for, and true float32 elsewhere."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "tf32"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def _matrix_rate(precision: str, device: str) -> float:
    """Operations a second of a product of two large matrices."""
    side = _PRODUCT if device == "cuda" else 1024
    a, b = (torch.randn(side, side, device=device, dtype=_PRECISIONS[precision]) for _ in range(2))
    with _precision(precision):
        return 2 * side**3 / sorted(_seconds(lambda: a @ b, device, 10))[5]


def _time(
    network: nn.Module, inputs: dict[str, Tensor], mode: Mode, device: str, rate: float, rounds: int
) -> dict[str, Any]:
    """Quartiles of the milliseconds of a mode, and what they are of the device's rate."""
    layout = torch.channels_last if mode.layout == "channels_last" else torch.contiguous_format
    network.to(memory_format=layout)  # type: ignore[call-overload]
    laid = {key: x.contiguous(memory_format=layout) if x.dim() == 4 else x for key, x in inputs.items()}
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with mode.context(device):
        call = training_step(network, laid) if mode.run == "training" else _evaluation(network, laid, mode.run)
        began = time.perf_counter()
        call()
        first = time.perf_counter() - began
        seconds = _seconds(call, device, rounds)
    milliseconds = [1e3 * q for q in quartiles(seconds)]
    operations = _flops(network, laid) * (3 if mode.run == "training" else 1)
    reached = operations / (milliseconds[1] / 1e3)
    return {
        **vars(mode),
        "milliseconds": milliseconds,
        "first_call_seconds": first,
        "flops_per_second": reached,
        "share_of_matrix_rate": reached / rate,
        "peak_memory": torch.cuda.max_memory_allocated() if device == "cuda" else None,
    }


def _evaluation(network: nn.Module, inputs: dict[str, Tensor], run: str) -> Callable[[], Any]:
    forward: Callable[..., Any] = torch.compile(network, dynamic=False) if run == "compile" else network

    def evaluate() -> Any:
        with torch.no_grad():
            return forward(**inputs)

    if run != "graph":
        return evaluate
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):  # what is chosen at the first calls is chosen before the capture
            evaluate()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        evaluate()
    return graph.replay


def training_step(network: nn.Module, inputs: dict[str, Tensor]) -> Callable[[], Any]:
    optimizer = torch.optim.Adam(network.parameters(), lr=0.0)  # the network stays as it is

    def step() -> None:
        network(**inputs).float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _seconds(call: Callable[[], Any], device: str, rounds: int) -> list[float]:
    seconds = []
    for number in range(rounds + 1):
        began = time.perf_counter()
        call()
        if device == "cuda":
            torch.cuda.synchronize()
        if number:
            seconds.append(time.perf_counter() - began)
    return seconds


def _flops(network: nn.Module, inputs: dict[str, Tensor]) -> float:
    """Multiplications and additions of an evaluation."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(**inputs)
    return float(counter.get_total_flops())


def _lines(result: dict[str, Any]) -> Iterator[str]:
    rates = ", ".join(f"{name} {rate / 1e12:.3g} TFLOP/s" for name, rate in result["matrix_rates"].items())
    yield f"{result['device']}; {result['parameters']:,} parameters, {result['flops'] / 1e9:.1f} GFLOP a latent"
    yield f"products of matrices: {rates}\n"
    header = [
        "batch",
        "precision",
        "layout",
        "run",
        "ms",
        "quartiles",
        "latents/s",
        "TFLOP/s",
        "of the rate",
        "peak MiB",
    ]
    rows = []
    for row in [*result["evaluations"], *result["training"]]:
        low, middle, high = row["milliseconds"]
        memory = "" if row["peak_memory"] is None else f"{row['peak_memory'] / 2**20:.0f}"
        rows.append([
            str(row["batch"]), row["precision"], row["layout"], row["run"], f"{middle:.2f}", f"{low:.2f} to {high:.2f}",
            f"{1e3 * row['batch'] / middle:.1f}", f"{row['flops_per_second'] / 1e12:.3g}",
            f"{100 * row['share_of_matrix_rate']:.0f} %", memory,
        ])  # fmt: skip
    yield markdown_table([header, *rows])
