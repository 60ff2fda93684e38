"""Camera pipeline: from sRGB back to what a sensor measures, and forward again.

Brooks et al., 2019, Unprocessing Images for Learned Raw Denoising (arXiv:1811.11127); the order backwards is tone
curve, gamma, color matrix, gains.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.pad import reflect_pad
from cfmrestore.ops.transfer import sent_to
from cfmrestore.typing import Image, PerImage

Matrix = Float[Tensor, "b 3 3"]
Gains = Float[Tensor, "b 3"]
Mosaic = Float[Tensor, "b 1 h w"]

_GAMMA = 2.2
_DARKEST = 1e-8  # a root has no slope at zero
_INFLECTION = 0.9  # of the mean of the channels, from which a pixel is taken for saturated

# XYZ to the colors of four cameras, from the DNG files of the Darmstadt noise dataset.
_XYZ_TO_CAMERA = (
    ((1.0234, -0.2969, -0.2266), (-0.5625, 1.6328, -0.0469), (-0.0703, 0.2188, 0.6406)),
    ((0.4913, -0.0541, -0.0202), (-0.613, 1.3513, 0.2906), (-0.1564, 0.2151, 0.7183)),
    ((0.838, -0.263, -0.0639), (-0.2887, 1.0725, 0.2496), (-0.0627, 0.1427, 0.5438)),
    ((0.6596, -0.2079, -0.0562), (-0.4782, 1.3016, 0.1933), (-0.097, 0.1581, 0.5181)),
)
_RGB_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.072175), (0.0193339, 0.119192, 0.9503041))

# Malvar, He and Cutler, 2004, figure 2, in eighths: green at red and blue; red at green of the same row, of the same
# column, and at blue. Blue is as red.
_DEMOSAIC = (
    ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0)),
    ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0)),
    ((0, 0, -1, 0, 0), (0, -1, 4, -1, 0), (0.5, 0, 5, 0, 0.5), (0, -1, 4, -1, 0), (0, 0, -1, 0, 0)),
    ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0)),
)


def rgb_to_camera(weight: Float[Tensor, "b 4"]) -> Matrix:
    """The mean of the cameras with these weights; white stays white, as its rows sum to one. In float64."""
    cameras = torch.tensor(_XYZ_TO_CAMERA, dtype=torch.float64, device=weight.device)
    mixed = (weight.double()[:, :, None, None] * cameras).sum(1)
    matrix = mixed @ torch.tensor(_RGB_TO_XYZ, dtype=torch.float64, device=weight.device)
    return matrix / matrix.sum(-1, keepdim=True)


def mix_channels(x: Image, matrix: Matrix) -> Image:
    """Multiply each pixel by its image's matrix."""
    rows, (r, g, b) = matrix.to(x, non_blocking=True)[..., None, None].unbind(1), x.unbind(1)
    return torch.stack([m[:, 0] * r + m[:, 1] * g + m[:, 2] * b for m in rows], dim=1)


def compress(x: Image) -> Image:
    r"""From linear to sRGB: gamma, then the smoothstep :math:`3 u^2 - 2 u^3` as a tone curve; clips to [0, 1]."""
    u = x.clamp(_DARKEST, 1) ** (1 / _GAMMA)
    return u * u * (3 - 2 * u)


def expand(y: Image) -> Image:
    """The inverse of ``compress``."""
    u = 0.5 - torch.sin(torch.asin(1 - 2 * y.clamp(0, 1)) / 3)
    return u.clamp_min(_DARKEST) ** _GAMMA


def divide_gains(x: Image, gain: Gains) -> Image:
    """The inverse of gains that forward end in clipping: saturated pixels, where x is near white, stay saturated."""
    inverse = 1 / gain.to(x, non_blocking=True)[..., None, None]
    gray = (x[:, :1] + x[:, 1:2] + x[:, 2:]) / 3
    mask = ((gray - _INFLECTION).clamp(0, 1 - _INFLECTION) / (1 - _INFLECTION)) ** 2
    return x * torch.maximum(mask + (1 - mask) * inverse, inverse)


def unprocess(y: Image, matrix: Matrix, gain: Gains) -> Image:
    """What the sensor measures at most at 1; colors that it cannot see stay below zero."""
    return divide_gains(mix_channels(expand(y), matrix), gain).clamp_max(1)


def process(x: Image, matrix: Matrix) -> Image:
    """From the camera's balanced colors to sRGB; ``matrix`` is the one of ``unprocess``."""
    return compress(mix_channels(x, torch.linalg.inv(matrix)))


def mosaic(x: Image) -> Mosaic:
    """What lies behind Bayer's color filters: rows RGRG... and GBGB..."""
    raw = x[:, 1:2].clone()
    raw[..., 0::2, 0::2] = x[:, :1, 0::2, 0::2]
    raw[..., 1::2, 1::2] = x[:, 2:, 1::2, 1::2]
    return raw


def demosaic(raw: Mosaic) -> Image:
    """The linear filters of Malvar, He and Cutler; needs two pixels on a side. A reflection keeps Bayer's order."""
    weight = torch.tensor(_DEMOSAIC, dtype=raw.dtype, device=raw.device)[:, None] / 8
    cross, row, column, diagonal = F.conv2d(reflect_pad(raw, 2, 2, 2, 2), weight).split(1, dim=1)
    red, green, blue = raw.clone(), raw.clone(), raw.clone()
    for y, x, known, other in ((0, 0, red, blue), (1, 1, blue, red)):
        green[..., y::2, x::2] = cross[..., y::2, x::2]
        other[..., y::2, x::2] = diagonal[..., y::2, x::2]
        known[..., y::2, 1 - x :: 2] = row[..., y::2, 1 - x :: 2]
        known[..., 1 - y :: 2, x::2] = column[..., 1 - y :: 2, x::2]
    return torch.cat([red, green, blue], dim=1)


def add_sensor_noise(raw: Tensor, shot: PerImage, read: PerImage, normal: Tensor) -> Tensor:
    r"""Heteroscedastic noise: :math:`x + \sqrt{\lambda_s x + \lambda_r} \, n`, an approximation of Poisson's law."""
    shot, read = (value.to(raw, non_blocking=True).reshape(-1, 1, 1, 1) for value in (shot, read))
    return raw + (shot * raw.clamp_min(0) + read).sqrt() * sent_to(normal, raw)
