"""torch's compiler."""

import os
import shutil

import torch
from torch import nn

from cfmrestore.execution.backends.base import Backend, Evaluate
from cfmrestore.execution.compiling import keep_compiled

_COMPILERS = ("g++", "clang++", "cl")


class Compiled(Backend):
    """Networks compiled for all sizes at once, and kept on disk; on a CPU that takes a C++ compiler."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        names = [os.environ["CXX"]] if os.environ.get("CXX") else _COMPILERS
        if device.type == "cpu" and not any(shutil.which(name) for name in names):
            raise ValueError(f"the backend compiled needs a compiler of C++ ({', '.join(names)}): install one")
        keep_compiled()
        super().__init__(device, dtype)

    def prepare(self, network: nn.Module) -> Evaluate:
        return torch.compile(network, dynamic=True)
