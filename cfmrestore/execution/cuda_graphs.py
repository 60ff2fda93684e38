"""CUDA graphs: the launches of a network's kernels, recorded once for each size of its input."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class CudaGraphs:
    """Recorded evaluations of networks. A small input is bound by the launches of kernels, which a graph makes in one.

    Evaluations with gradients, on a CPU, and of further sizes than are kept are made as always. Weights are those of
    the recording: they may be changed in place, and not moved.

    Args:
        most: How many recordings are kept; each holds the memory of an evaluation.
    """

    def __init__(self, most: int = 8) -> None:
        self.most = most
        self._recorded: dict[Any, tuple[torch.cuda.CUDAGraph, dict[str, Tensor], Tensor]] = {}

    def evaluate(self, network: Callable[..., Tensor], x: Tensor, t: Tensor, **told: Tensor) -> Tensor:
        """What the network says at x and t."""
        inputs = {"x": x, "t": t, **told}
        if not x.is_cuda or torch.is_grad_enabled():
            plain: Tensor = network(**inputs)
            return plain
        precision = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else None
        form = tuple((name, one.shape, one.stride(), one.dtype) for name, one in inputs.items())
        key = (network, precision, x.device, form)
        if key not in self._recorded:
            if len(self._recorded) == self.most:
                beyond: Tensor = network(**inputs)
                return beyond
            self._recorded[key] = _record(network, inputs, precision)
        graph, buffers, v = self._recorded[key]
        for name, one in inputs.items():
            buffers[name].copy_(one)
        graph.replay()
        return v.clone()  # the next replay overwrites it


def _record(
    network: Callable[..., Tensor], inputs: dict[str, Tensor], precision: torch.dtype | None
) -> tuple[torch.cuda.CUDAGraph, dict[str, Tensor], Tensor]:
    """A graph, the tensors that it reads, and the one that it writes."""
    buffers, graph = {name: one.clone() for name, one in inputs.items()}, torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    # Without its cache, which ends with the context: weights in reduced precision are made within the graph.
    with torch.autocast("cuda", dtype=precision, enabled=precision is not None, cache_enabled=False):
        with torch.cuda.stream(stream):
            for _ in range(3):  # what is chosen at the first calls is chosen before the recording
                network(**buffers)
        torch.cuda.current_stream().wait_stream(stream)
        with torch.cuda.graph(graph):
            v = network(**buffers)
    return graph, buffers, v
