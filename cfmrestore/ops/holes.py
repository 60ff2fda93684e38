"""Holes of an image: filled without a network, which inpainting must surpass, or with its result."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Mask = Float[Tensor, "b 1 h w"]
"""1 in the holes, 0 where the image is known."""

_GRAY = 0.5  # where nothing is known
_LEAST = 1e-30  # or what a type holds: of one pixel in a large picture is known as little as one over all pixels
_SWEEPS, _RELAXATION = 24, 1.75
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


def fill_smoothly(image: Float[Tensor, "b c h w"], mask: Mask) -> Float[Tensor, "b c h w"]:
    """The image with its holes filled from what is known around them: pull-push.

    Down a pyramid each level holds the mean of what is known in blocks of four; up again, what is not known is the
    level below, interpolated. A wide hole is filled smoothly, a narrow one by its neighbors; what is known stays.
    An image without anything known becomes gray.

    Reference: Gortler et al., 1996, section 3.4 (The Lumigraph, SIGGRAPH).
    """
    return torch.where(mask < 1, image, _filled(image, 1 - mask, enough=0.0))


def fill_by_weight(image: Float[Tensor, "b c h w"], known: Mask) -> Float[Tensor, "b c h w"]:
    """The same where pixels are known to a part, and are to that part themselves: 1 stays as it is, 0 is filled.

    What is known little says little at any distance, beside what is known well.
    """
    return _filled(image, known, enough=1.0)


def _filled(image: Tensor, known: Tensor, enough: float) -> Tensor:
    if bool((known == 0).flatten(1).all(dim=1).any()):
        nothing = (known == 0).flatten(1).all(dim=1)[:, None, None, None]
        image, known = torch.where(nothing, _GRAY, image), torch.where(nothing, 1, known)
    return _pull_push(image * known, known, enough)


def _pull_push(weighted: Tensor, known: Tensor, enough: float) -> Tensor:
    """Means of what is known, at every place: the weighted sums over their weights, from below where there are none.

    Where all of a level is known, and as much as is enough, no level below is asked.
    """
    least = max(_LEAST, torch.finfo(known.dtype).tiny)
    values = weighted / known.clamp_min(least)
    if bool((known >= max(enough, least)).all()) or max(known.shape[-2:]) == 1:
        return values
    weight = F.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
    below = _pull_push(F.avg_pool2d(weighted, 2, ceil_mode=True, count_include_pad=False), weight, enough)
    size = (known.shape[-2], known.shape[-1])
    above = F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)[..., : size[0], : size[1]]
    return torch.lerp(above, values, known.clamp_max(1))


def fill_holes(image: Float[Tensor, "b 3 h w"], known: Float[Tensor, "b 3 h w"], mask: Mask) -> Tensor:
    r"""The known image outside of the holes, bit for bit, and in them the other one, without a border.

    In a hole it is g + c with g the other image and c a membrane that hangs from the rim,

    .. math:: \Delta c = 0, \qquad c_q = f_q - \bar g_q \quad \text{on the known pixels q of the rim,}

    where f is known and :math:`\bar g_q` is the mean of g in the neighbors of q that lie in the hole: what the other
    image holds outside is not asked, since one that sees what is known has it right there, and its step at the rim too.

    Reference: Pérez et al., 2003 (Poisson image editing), with the gradient across the rim taken as zero.
    """
    known, mask = known.to(image), (mask.to(image) >= 0.5).to(image.dtype)
    inside = _sum_around(mask)  # how many neighbors lie in a hole
    rim = (1 - mask) * (inside > 0).to(image.dtype)
    across = (known - _sum_around(image * mask) / inside.clamp_min(1)) * rim
    correction = torch.where(rim.flatten(1).any(dim=1)[:, None, None, None], _membrane(across, mask, rim), 0)
    return torch.where(mask > 0, (image + correction).clamp(0, 1), known)


def _membrane(values: Float[Tensor, "b c h w"], mask: Mask, rim: Mask) -> Tensor:
    """What is given on the rim, led into the holes, where each pixel is nearly the mean of its neighbors.

    It begins as ``fill_smoothly``, which is right but for what varies along the rim within some pixels: so few sweeps
    of successive over-relaxation are enough, each of one color of a chessboard, then of the other.
    """
    x, around = fill_smoothly(values, 1 - rim), _sum_around(torch.ones_like(mask))
    row, column = (torch.arange(side, device=mask.device) for side in mask.shape[-2:])
    white = (row[:, None] + column) % 2 == 0
    for _ in range(_SWEEPS):
        for color in (white, ~white):
            x = torch.where((mask > 0) & color, torch.lerp(x, _sum_around(x) / around, _RELAXATION), x)
    return x


def _sum_around(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The sum of the neighbors along the axes that lie in the image."""
    padded = F.pad(x, (1, 1, 1, 1))
    return padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1] + padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
