"""From the host to a device that need not be waited for."""

import torch
from torch import Tensor


def sent_to(x: Tensor, place: Tensor | torch.device) -> Tensor:
    """A tensor of the host on a device, or in the type and on the device of another tensor.

    A GPU takes it when it comes to it: from pinned memory it is copied behind what the GPU has yet to do, while a copy
    from any other memory first waits for all of that.
    """
    device = place.device if isinstance(place, Tensor) else place
    pinned = x.pin_memory() if device.type == "cuda" and x.device.type == "cpu" else x
    return pinned.to(place, non_blocking=True)
