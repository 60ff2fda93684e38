"""Images on their way through a real codec: 8-bit arrays, one after the other."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from cfmrestore.ops.parallel import map_images
from cfmrestore.typing import Image


def through_codec(image: Image, code: Callable[..., np.ndarray], *settings: Tensor) -> Image:
    """Round to 8 bits, call ``code(pixels, *settings of that image)`` with (h, w, 3) RGB arrays; clips to [0, 1]."""
    pixels = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    coded = map_images(code, pixels, *(one.tolist() for one in settings))
    return torch.from_numpy(np.stack(coded)).permute(0, 3, 1, 2).to(image, memory_format=torch.contiguous_format) / 255
