"""GMSD: gradient magnitude similarity deviation."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.evaluation.functional.prepare import check_levels, halve
from cfmrestore.typing import PerImage

_PREWITT = ((1.0, 0.0, -1.0),) * 3


def gmsd(a: Float[Tensor, "b 1 h w"], b: Float[Tensor, "b 1 h w"], *, peak: float = 255.0) -> PerImage:
    r"""Standard deviation over the pixels of the similarity of gradient magnitudes; 0 for equal images.

    .. math::
        \mathrm{GMS} = \frac{2 m_a m_b + c}{m_a^2 + m_b^2 + c}, \quad c = 170 (\mathrm{peak} / 255)^2

    The magnitudes m are those of Prewitt's gradients, of images averaged over 2x2 pixels and halved. As in the authors'
    code zeros lie beyond the edge, for the gradients and for the average of an odd last row or column, and the
    deviation is that of a sample (n - 1).

    Reference: Xue, Zhang, Mou and Bovik, 2014, equations 4 to 6.
    """
    if min(a.shape[-2:]) < 4:
        raise ValueError(f"GMSD needs 4x4 pixels; got {a.shape[-2]}x{a.shape[-1]}")
    check_levels(a, b, peak=peak)
    c = 170 * (peak / 255) ** 2
    a_2, b_2 = (_squared_gradient(x.double()) for x in (a, b))
    similarity = (2 * (a_2 * b_2).sqrt() + c) / (a_2 + b_2 + c)
    return similarity.flatten(1).std(dim=1)


def _squared_gradient(x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 _ _"]:
    across = torch.tensor(_PREWITT, dtype=x.dtype, device=x.device) / 3
    return F.conv2d(halve(x), torch.stack([across, across.T])[:, None], padding=1).square().sum(dim=1, keepdim=True)
