"""Local contrast of a latent."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def local_contrast(x: Float[Tensor, "b c h w"], window: int = 5) -> Float[Tensor, "b 1 h w"]:
    r"""The standard deviation within a square window, cut at borders, and its mean over the channels.

    .. math:: s = \frac{1}{C} \sum_c \sqrt{\overline{x_c^2} - \bar x_c^2}

    Channel by channel: a large image has no room for all at once.
    """

    def mean(y: Tensor) -> Tensor:
        return F.avg_pool2d(y, window, stride=1, padding=window // 2, count_include_pad=False)

    total = torch.zeros_like(x[:, :1])
    for channel in x.split(1, dim=1):
        centered = channel - channel.mean(dim=(-2, -1), keepdim=True)  # squares of what is far from 0 lose digits
        total += (mean(centered.square()) - mean(centered).square()).clamp_min_(0).sqrt_()
    return total / x.shape[1]
