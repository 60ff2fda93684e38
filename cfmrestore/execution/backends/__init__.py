"""What evaluates networks: torch, torch compiled, or another program to which they are exported."""

from cfmrestore.execution.backends.base import Backend
from cfmrestore.execution.backends.compiled import Compiled
from cfmrestore.execution.backends.onnx_runtime import OnnxRuntime
from cfmrestore.execution.backends.open_vino import OpenVino

BACKENDS: dict[str, type[Backend]] = {
    "torch": Backend,
    "compiled": Compiled,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
}
"""By name. None but torch is chosen unless a person asks for it: each rounds otherwise."""

__all__ = ["BACKENDS", "Backend"]
