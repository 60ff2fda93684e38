"""ONNX Runtime."""

from collections.abc import Callable

import torch
from torch import Tensor

from cfmrestore.execution.backends.base import GraphBackend
from cfmrestore.execution.graph import NetworkGraph
from cfmrestore.execution.onnx_model import to_onnx
from cfmrestore.execution.optional import needed


class OnnxRuntime(GraphBackend):
    """ONNX Runtime's CPU provider, on as many threads as torch has."""

    name = "onnxruntime"

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.runtime = needed("onnxruntime", by="the backend onnxruntime", extra="onnx")
        super().__init__(device, dtype)

    def load(self, graph: NetworkGraph) -> Callable[[dict[str, Tensor]], Tensor]:
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors alone
        model = to_onnx(graph).SerializeToString()
        session = self.runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

        def run(inputs: dict[str, Tensor]) -> Tensor:
            (v,) = session.run(None, {name: value.contiguous().numpy() for name, value in inputs.items()})
            return torch.from_numpy(v)

        return run
