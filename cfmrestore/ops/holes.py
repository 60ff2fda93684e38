"""Holes of an image, filled with another one."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.typing import Image


def fill_holes(image: Image, known: Image, mask: Float[Tensor, "b 1 _ _"]) -> Image:
    """The known image outside of the holes, bit for bit, and the other one in them, where the mask is 1."""
    return torch.where(mask.to(image.device) >= 0.5, image, known.to(image))
