"""8-bit arrays of a batch for real codecs, image by image."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from cfmrestore.ops.parallel import stack_images
from cfmrestore.typing import Image


def through_codec(image: Image, code: Callable[..., np.ndarray], *settings: Tensor, order: str = "RGB") -> Image:
    """Round to 8 bits and call ``code(pixels, *settings of that image)`` with (h, w, 3) arrays; clips to [0, 1].

    Args:
        image: The batch.
        code: Encodes and decodes.
        settings: Numbers of the codec, one an image each.
        order: Order of the channels in the arrays.
    """
    import cv2

    def through(x: Tensor, *numbers: float) -> Tensor:
        levels = x.clamp(0, 1).mul_(255).round_().to(torch.uint8).cpu().numpy()
        coded = cv2.split(code(cv2.merge([levels["RGB".index(name)] for name in order]), *numbers))
        return torch.from_numpy(np.stack([coded[order.index(name)] for name in "RGB"])).to(x).div_(255)

    return stack_images(through, image, *(numbers.tolist() for numbers in settings))
