"""Holes of an image: filled smoothly from their rims, or with another image."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Mask = Float[Tensor, "b 1 h w"]
"""1 in the holes, 0 where the image is known."""


def fill_smoothly(image: Float[Tensor, "b c h w"], mask: Mask) -> Float[Tensor, "b c h w"]:
    """The image with its holes filled from what is known around them: pull-push.

    Down a pyramid each level holds the mean of what is known in blocks of four; up again, what is not known is the
    level below, interpolated. A wide hole is filled smoothly, a narrow one by its neighbors; what is known stays.
    An image without anything known becomes gray.

    Reference: Gortler et al., 1996, section 3.4 (The Lumigraph, SIGGRAPH).
    """
    known = 1 - mask
    if bool((known == 0).flatten(1).all(dim=1).any()):
        nothing = (known == 0).flatten(1).all(dim=1)[:, None, None, None]
        image, known = torch.where(nothing, 0.5, image), torch.where(nothing, 1, known)
    filled = _pull_push(image * known, known)
    return torch.where(known > 0, image, filled)


def _pull_push(weighted: Tensor, known: Tensor) -> Tensor:
    """Means of what is known, at every place: the weighted sums over their weights, from below where there are none."""
    values = weighted / known.clamp_min(1e-6)
    if bool((known > 0).all()) or max(known.shape[-2:]) == 1:
        return values
    weight = F.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
    below = _pull_push(F.avg_pool2d(weighted, 2, ceil_mode=True, count_include_pad=False), weight)
    size = (known.shape[-2], known.shape[-1])
    above = F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)[..., : size[0], : size[1]]
    return torch.lerp(above, values, known.clamp_max(1))


def fill_holes(image: Float[Tensor, "b 3 h w"], known: Float[Tensor, "b 3 h w"], mask: Mask) -> Tensor:
    """The known image outside of the holes, bit for bit, and in them the other one, without a border.

    What the two differ by on the rim is led into the hole (``fill_smoothly``), so that no step is left there.
    """
    known, mask = known.to(image), (mask.to(image) >= 0.5).to(image.dtype)
    inside = (image + fill_smoothly((known - image) * (1 - mask), mask)).clamp(0, 1)
    return torch.where(mask > 0, inside, known)
