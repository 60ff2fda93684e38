"""torch's compiler."""

import os
import shutil

import torch
from torch import nn

from cfmrestore.execution.backends.base import Backend, Evaluate

_COMPILERS = ("g++", "clang++", "cl")


class Compiled(Backend):
    """Networks compiled by torch.compile for all sizes at once; on a CPU that takes a compiler of C++."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        names = [os.environ["CXX"]] if os.environ.get("CXX") else _COMPILERS
        if device.type == "cpu" and not any(shutil.which(name) for name in names):
            raise ValueError(f"the backend compiled needs a compiler of C++ ({', '.join(names)}): install one")
        super().__init__(device, dtype)

    def prepare(self, network: nn.Module) -> Evaluate:
        return torch.compile(network, dynamic=True)
