"""The velocity in reduced precision, where that gives numbers."""

import logging

import torch
from torch import Tensor

from cfmrestore.flows.coupling_flow import CouplingFlow
from cfmrestore.typing import Condition

log = logging.getLogger("cfmrestore")


class Ask:
    """v(x, t, condition) of a flow; what is not finite in reduced precision is done again, and on, in float32.

    Args:
        flow: The flow.
        device: Where it is.
        dtype: Of the network's products.
    """

    def __init__(self, flow: CouplingFlow, device: torch.device, dtype: torch.dtype) -> None:
        self.flow, self.device, self.dtype = flow, device, dtype

    def __call__(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        if self.dtype is not torch.float32:
            with torch.autocast(self.device.type, dtype=self.dtype):
                v = self.flow.velocity(x, t, condition)
            if bool(v.isfinite().all()):
                return v
            log.warning("the network overflows in %s: going on in float32", str(self.dtype).removeprefix("torch."))
            self.dtype = torch.float32
        return self.flow.velocity(x, t, condition)
