"""Models of cfmrestore as an architecture of spandrel."""

import json
from typing import Any

from spandrel import MAIN_REGISTRY, Architecture, ArchSupport, ImageModelDescriptor

from cfmrestore.engine.checkpoints import DESCRIPTION
from cfmrestore.export.image_graph import ImageGraph, one_evaluation
from cfmrestore.registry import load_plugins
from cfmrestore.restore.published import check_places
from cfmrestore.restore.stages import flow_of

__all__ = ["CouplingFlowArch", "install"]


class CouplingFlowArch(Architecture[ImageGraph]):
    """A file of ``cfmrestore export --to safetensors``, restoring by one evaluation."""

    def __init__(self) -> None:
        super().__init__(id="cfmrestore", name="cfmrestore", detect=lambda state: DESCRIPTION in state)

    def load(self, state_dict: dict[str, Any]) -> ImageModelDescriptor[ImageGraph]:
        """What the file describes, with its weights."""
        load_plugins()
        weights = dict(state_dict)
        described = json.loads(bytes(weights.pop(DESCRIPTION).tolist()))
        name = str(described["name"])
        check_places(described["model"], name)
        flow = flow_of(described["model"], weights, name).eval().requires_grad_(False)
        graph = ImageGraph(flow, one_evaluation(flow, flow.sampling)).eval()
        return ImageModelDescriptor(
            graph,
            graph.state_dict(),
            architecture=self,
            purpose="SR" if graph.scale > 1 else "Restoration",
            tags=[name, f"fidelity {graph.sampling.fidelity:g}"],
            supports_half=False,
            supports_bfloat16=False,
            scale=graph.scale,
            input_channels=3,
            output_channels=3,
        )


def install() -> None:
    """Add the architecture to spandrel's registry; again it does nothing."""
    MAIN_REGISTRY.add(ArchSupport.from_architecture(CouplingFlowArch()), ignore_duplicates=True)
