"""Graphs: functions of tensors that other programs run, with batch, height and width left open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cfmrestore.typing import Conditioning, Latent

if TYPE_CHECKING:
    from torch.export import ExportedProgram

EXAMPLE = (2, 24, 40)
"""Batch, height and width of the examples, which stand for any."""
_AXES = {4: {0: "batch", 2: "height", 3: "width"}, 2: {0: "batch"}, 1: {0: "batch"}}


class Graph(nn.Module):
    """A function of named tensors, from which a program can be exported: no branch of it looks at their size.

    Args:
        inputs: An example of each, by name; their batch, height and width are the same, and left open.
        output: Name of the result.
        least: Height and width from which on torch can say that the program is the same; ONNX knows no such limit.
    """

    def __init__(self, inputs: Mapping[str, Tensor], *, output: str, least: int = 1) -> None:
        super().__init__()
        self.inputs, self.output, self.least = dict(inputs), output, least

    @property
    def axes(self) -> dict[str, dict[int, str]]:
        """Names of the axes that are left open, by input."""
        return {name: _AXES[value.dim()] for name, value in self.inputs.items()}

    def program(self) -> "ExportedProgram":
        """The graph as torch exports it, without the places of this machine at which its code lies."""
        from torch.export import Dim, export  # half a second, which restoring by torch need not wait

        dims = {name: Dim(name, min=1 if name == "batch" else self.least) for name in _AXES[4].values()}
        shapes = tuple({axis: dims[name] for axis, name in axes.items()} for axes in self.axes.values())
        with torch.no_grad():
            self(*self.inputs.values())  # what is computed once and kept must not be of the export, without values
            program = export(self, tuple(self.inputs.values()), dynamic_shapes=(shapes,))
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)
        return program


def least_side(network: nn.Module) -> int:
    """Of a latent whose deepest features in a network have two samples: of one, torch makes another program."""
    multiple = int(getattr(network, "multiple", 1))
    return multiple + 1 if multiple > 1 else 1


class NetworkGraph(Graph):
    """One evaluation of a network: v(x, t), or u(x, t, r) of a flow map, with what it is told as further inputs.

    Args:
        network: The network.
        channels: Of x.
        told: What it is told, of any size.
    """

    def __init__(self, network: nn.Module, channels: int, told: Conditioning) -> None:
        batch, height, width = EXAMPLE
        maps = {name: (height, width) if value.dim() == 4 else () for name, value in told.items()}
        examples = {name: torch.zeros(batch, *value.shape[1:2], *maps[name]) for name, value in told.items()}
        x = torch.zeros(batch, channels, height, width)
        super().__init__({"x": x, "t": torch.zeros(batch), **examples}, output="v", least=least_side(network))
        self.network, self.told = network, tuple(told)

    def forward(self, *inputs: Tensor) -> Latent:
        x, t, *told = inputs
        v: Tensor = self.network(x, t, **dict(zip(self.told, told, strict=True)))
        return v
