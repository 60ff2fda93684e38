"""OpenVINO."""

from collections.abc import Callable

import torch
from torch import Tensor

from cfmrestore.execution.backends.base import GraphBackend
from cfmrestore.execution.graph import NetworkGraph
from cfmrestore.execution.onnx_model import to_onnx
from cfmrestore.execution.optional import needed


class OpenVino(GraphBackend):
    """OpenVINO's CPU plugin in float32 (by itself it takes what is fastest), on as many threads as torch has."""

    name = "openvino"

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.openvino = needed("openvino", by="the backend openvino", extra="openvino")
        super().__init__(device, dtype)

    def load(self, graph: NetworkGraph) -> Callable[[dict[str, Tensor]], Tensor]:
        core = self.openvino.Core()
        keys = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        compiled = core.compile_model(core.read_model(to_onnx(graph).SerializeToString(), b""), "CPU", keys)

        def run(inputs: dict[str, Tensor]) -> Tensor:
            return torch.from_numpy(compiled({name: value.numpy() for name, value in inputs.items()})[0].copy())

        return run
