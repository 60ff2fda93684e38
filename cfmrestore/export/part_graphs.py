"""The parts of a restoration by several evaluations as graphs, beside the network: encoder and decoder."""

import torch
from torch import Tensor

from cfmrestore.execution.graph import EXAMPLE, Graph, NetworkGraph
from cfmrestore.export.image_graph import check_flow, ends_of, least_image
from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.ops.pad import pad_to_multiple
from cfmrestore.typing import Image, Latent, Source


class EncoderGraph(Graph):
    """An input, RGB in [0, 1], to its latent at the size of the target: the context, of which starts are made."""

    def __init__(self, flow: CouplingFlow) -> None:
        check_flow(flow)
        batch, height, width = EXAMPLE
        image = torch.zeros(batch, 3, height, width)
        super().__init__({"image": image}, output="context", least=least_image(flow))
        self.lift, self.multiple = ends_of(flow)[0], flow.coupling.low_multiple

    def forward(self, *inputs: Tensor) -> Latent:
        lifted: Tensor | Source = self.lift(pad_to_multiple(inputs[0], self.multiple))
        context = lifted.lowres if isinstance(lifted, Source) else lifted
        assert context is not None
        return context


class DecoderGraph(Graph):
    """A latent to RGB in [0, 1], to be cropped where the input was padded."""

    def __init__(self, flow: CouplingFlow) -> None:
        check_flow(flow)
        batch, height, width = EXAMPLE
        super().__init__({"latent": torch.zeros(batch, flow.encoder.channels, height, width)}, output="image")
        self.decode = ends_of(flow)[1]

    def forward(self, *inputs: Tensor) -> Image:
        image: Tensor = self.decode(inputs[0])
        return image.clamp(0, 1)


def network_graph(flow: CouplingFlow) -> NetworkGraph:
    """One evaluation of the network, with all that it can be told."""
    told = flow.conditions.zeros(torch.zeros(1, flow.encoder.channels, 1, 1))
    duration = {"duration": torch.zeros(1)} if getattr(flow.network, "flow_map", False) else {}
    return NetworkGraph(flow.network, flow.encoder.channels, told | duration)
