"""Filtering each image of a batch with a kernel of its own."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.pad import reflect_pad
from cfmrestore.typing import Image


def filter_each(image: Image, kernels: Float[Tensor, "b k k"]) -> Image:
    """Correlate image i, all channels alike, with kernel i; borders are reflected."""
    b, c, h, w = image.shape
    margin = kernels.shape[-1] // 2
    padded = reflect_pad(image, margin, margin, margin, margin)
    weight = kernels.to(image).repeat_interleave(c, dim=0)[:, None]
    return F.conv2d(padded.reshape(1, b * c, *padded.shape[-2:]), weight, groups=b * c).reshape(b, c, h, w)
