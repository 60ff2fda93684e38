"""A velocity in reduced precision, where that gives numbers."""

import logging

import torch
from torch import Tensor

from cfmrestore.typing import Condition, ConditionalVelocity

log = logging.getLogger("cfmrestore")


class Ask:
    """v(x, t, condition) of a network; what is not finite in reduced precision is done again, and on, in float32.

    Args:
        velocity: The same in float32.
        device: Where it is.
        dtype: Of the network's products.
    """

    def __init__(self, velocity: ConditionalVelocity, device: torch.device, dtype: torch.dtype) -> None:
        self.velocity, self.device, self.dtype = velocity, device, dtype

    def __call__(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        if self.dtype is not torch.float32:
            with torch.autocast(self.device.type, dtype=self.dtype):
                v = self.velocity(x, t, condition)
            if bool(v.isfinite().all()):
                return v
            log.warning("the network overflows in %s: going on in float32", str(self.dtype).removeprefix("torch."))
            self.dtype = torch.float32
        return self.velocity(x, t, condition)
