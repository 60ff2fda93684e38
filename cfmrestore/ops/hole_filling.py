"""Holes of an image filled without a network: what inpainting begins with, and what it must surpass."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_GRAY = 0.5  # where nothing is known
_RADIUS = 3  # of the neighborhood that OpenCV looks at, in pixels


def fill_mean(image: Float[Tensor, "3 h w"], hole: Float[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    """The mean color of what is known, in the holes."""
    known = hole < 0.5
    if not known.any():
        return torch.full_like(image, _GRAY)
    color = image[:, known].double().mean(dim=1).to(image)
    return torch.where(known, image, color[:, None, None])


def fill_telea(image: Float[Tensor, "3 h w"], hole: Float[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    """Colors marched inwards from the rim of the holes, in 8 bits; OpenCV's ``INPAINT_TELEA`` with a radius of 3.

    Reference: Telea, 2004, An image inpainting technique based on the fast marching method.
    """
    import cv2

    known = hole < 0.5
    if not known.any() or known.all():
        return fill_mean(image, hole)
    h, w = hole.shape
    twice = [(0, int(h == 1)), (0, int(w == 1))]  # where a side has one pixel, OpenCV reads beyond its memory
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    pixels, unknown = np.pad(pixels, [*twice, (0, 0)], mode="edge"), np.pad(~known.cpu().numpy(), twice, mode="edge")
    filled = cv2.inpaint(np.ascontiguousarray(pixels), unknown.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)[:h, :w]
    return torch.where(known, image, torch.from_numpy(filled).permute(2, 0, 1).to(image) / 255)
