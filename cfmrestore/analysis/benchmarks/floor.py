"""An evaluation of a network and a step of its training beside their floor: their layers alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from cfmrestore.analysis.benchmarks.cases import clock_of, conditions, in_turn, report
from cfmrestore.analysis.benchmarks.layers import Layer, layers_of
from cfmrestore.analysis.benchmarks.network import inputs_of, training_step
from cfmrestore.analysis.benchmarks.restore import load
from cfmrestore.engine.memory import keep_freed_memory
from cfmrestore.execution import compile_blocks
from cfmrestore.reports.markdown import markdown_table

RUNS = ("eager", "blocks", "compile")
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def benchmark_floor(
    config: str | Path,
    *,
    device: str = "cpu",
    side: int = 32,
    batch: int = 1,
    precisions: Sequence[str] = ("fp32", "bf16"),
    runs: Sequence[str] = ("eager",),
    rounds: int = 7,
    options: Mapping[str, Any] | None = None,
    out: str | None = None,
) -> dict[str, Any]:
    """Time an evaluation, a step of training, and each of their layers alone on the same shapes, in turn.

    The floor is the sum of the layers' medians: what the device needs for the operations of those shapes when nothing
    is around them. A second floor is that of all operations at the rate of one large product of matrices.

    Args:
        config: Of a flow.
        device: "cpu" or "cuda".
        side: Of the latents.
        batch: Latents an evaluation, and a step.
        precisions: Of evaluations: fp32, bf16.
        runs: Of evaluations: "eager", "blocks" and "compile" (torch.compile by blocks and of the whole).
        rounds: How often each is timed.
        options: Dotted keys of the config and their values.
    """
    if unknown := [*({*precisions} - {*_DTYPES}), *({*runs} - {*RUNS})]:
        raise ValueError(f"{unknown[0]!r} is unknown: precisions are {', '.join(_DTYPES)}, runs {', '.join(RUNS)}")
    keep_freed_memory()
    flow = load(str(config), options).stages[-1].flow
    network = flow.network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    inputs = {
        key: x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
        for key, x in inputs_of(flow, batch, side, device).items()
    }
    named = {
        f"evaluation, {precision}, {run}": _evaluation(network, inputs, precision, run, device)
        for run in runs
        for precision in precisions
    }
    named["training, fp32, eager"] = _training(network, inputs)
    layers = {name: layers_of(call) for name, call in named.items() if name.endswith("eager")}
    for call in named.values():
        call()  # what is compiled, is so before
    result = {
        **conditions(0),
        "config": str(config),
        "device": device,
        "parameters": sum(p.numel() for p in network.parameters()),
        "side": side,
        "batch": batch,
        **_measured(named, layers, device, rounds),
    }
    report(f"The network of {config} beside its layers alone, milliseconds", result, floor_lines(result), out)
    return result


def _measured(
    named: dict[str, Callable[[], Any]], layers: dict[str, Counter[Layer]], device: str, rounds: int
) -> dict[str, Any]:
    """Medians of all, and of each mode its floor and the dearest of its layers."""
    kinds = {f"{index}": layer for index, layer in enumerate({layer for some in layers.values() for layer in some})}
    m = torch.rand(1024, 1024, device=device)
    functions: dict[str, Callable[[int], Any]] = {
        **{name: (lambda _, call=call: call()) for name, call in named.items()},  # type: ignore[misc]
        **{key: layer.call() for key, layer in kinds.items()},
        "product": lambda _: m @ m,
    }
    with torch.no_grad():
        seconds = {key: median(one) for key, one in in_turn(functions, rounds, clock_of(device)).items()}
    rate, alone = 2 * 1024**3 / seconds["product"], {layer: seconds[key] for key, layer in kinds.items()}
    rows = []
    for name in named:
        counts = layers.get(name) or layers[f"{name.rpartition(', ')[0]}, eager"]
        floor = sum(count * alone[layer] for layer, count in counts.items())
        operations = sum(count * layer.operations for layer, count in counts.items())
        rows.append({
            "name": name,
            "milliseconds": 1e3 * seconds[name],
            "floor": 1e3 * floor,
            "over_floor": seconds[name] / floor,
            "operations": operations,
            "floor_of_products": 1e3 * operations / rate,
            "dearest": [
                {"layer": str(layer), "count": count, "milliseconds": 1e3 * count * alone[layer]}
                for layer, count in sorted(counts.items(), key=lambda item: -item[1] * alone[item[0]])[:5]
            ],
        })  # fmt: skip
    return {"rate_of_products": rate, "rows": rows}


def _evaluation(network: nn.Module, inputs: dict[str, Any], precision: str, run: str, device: str) -> Callable[[], Any]:
    dtype = _DTYPES[precision]
    evaluated: Any = network
    if run != "eager":
        evaluated = _copy(network)
        compile_blocks(evaluated) if run == "blocks" else evaluated.compile()

    def evaluate() -> Any:
        with torch.no_grad(), torch.autocast(device, dtype=dtype, enabled=dtype is not torch.float32):
            return evaluated(**inputs)

    return evaluate


def _copy(network: nn.Module) -> nn.Module:
    """Another module of the same weights, which can be compiled while the first is not."""
    return deepcopy(network, {id(p): p for p in network.parameters()})


def _training(network: nn.Module, inputs: dict[str, Any]) -> Callable[[], Any]:
    network.requires_grad_(True)
    step = training_step(network, inputs)

    def train() -> None:
        with torch.enable_grad():
            step()

    return train


def floor_lines(result: dict[str, Any]) -> Iterator[str]:
    """Of each mode what it takes, its floors, and what it is of the first."""
    yield f"{result['parameters']:,} parameters, {result['batch']} latents of {result['side']}x{result['side']}"
    yield f"a product of two matrices of 1024: {result['rate_of_products'] / 1e9:.0f} GFLOP/s\n"
    rows = [
        [
            "what",
            "GFLOP",
            "ms",
            "its layers alone, ms",
            "over that",
            "left, ms",
            "at the rate of products, ms",
            "of the first",
        ]
    ]
    first = result["rows"][0]["milliseconds"]
    for row in result["rows"]:
        ms, floor = row["milliseconds"], row["floor"]
        rows.append([
            row["name"], f"{row['operations'] / 1e9:.1f}", f"{ms:.1f}", f"{floor:.1f}", f"{row['over_floor']:.2f}",
            f"{ms - floor:.1f}", f"{row['floor_of_products']:.1f}", f"{ms / first:.2f}",
        ])  # fmt: skip
    yield markdown_table(rows)
