"""JPEG in tensor operations: without the lossless part, which changes no pixel."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.broadcast import expand_as
from cfmrestore.typing import Image, PerImage

# ITU-T T.81, tables K.1 and K.2.
_LUMINANCE = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
_CHROMINANCE = """17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""


@lru_cache(maxsize=16)
def _constants(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The two tables; the cosine transform, orthonormal; and libjpeg's, in integers."""
    tables = [torch.tensor([float(q) for q in table.split()]).view(8, 8) for table in (_LUMINANCE, _CHROMINANCE)]
    n = torch.arange(8, dtype=torch.float64)
    cosines = torch.cos((2 * n + 1) * n[:, None] * math.pi / 16) / 2
    cosines[0] /= math.sqrt(2)
    return torch.stack(tables).to(device), cosines.to(device, torch.float32), _integer_transform().to(device)


def _integer_transform() -> Tensor:
    """2^13 sqrt(8) times the cosine transform, as the flow graph of Loeffler, Ligtenberg and Moschytz (1989) rounds it.

    The graph's constants are rounded to 13 bits; even rows depend on the sums of mirrored samples, odd ones on the
    differences.
    """

    def fixed(value: float) -> int:
        return round(value * 2**13)

    even = torch.zeros(4, 4, dtype=torch.float64)  # rows 0, 2, 4, 6 of x_0 + x_7, x_1 + x_6, x_2 + x_5, x_3 + x_4
    even[0], even[2] = 8192, torch.tensor([8192.0, -8192.0, -8192.0, 8192.0])
    c, a, b = fixed(0.541196100), fixed(0.765366865), fixed(1.847759065)
    even[1] = torch.tensor([c + a, c, -c, -c - a], dtype=torch.float64)
    even[3] = torch.tensor([c, c - b, b - c, -c], dtype=torch.float64)
    # rows 7, 5, 3, 1 of x_3 - x_4, x_2 - x_5, x_1 - x_6, x_0 - x_7
    d = [fixed(v) for v in (0.298631336, 2.053119869, 3.072711026, 1.501321110)]
    z_1, z_2, z_3, z_4 = (-fixed(v) for v in (0.899976223, 2.562915447, 1.961570560, 0.390180644))
    z_5 = fixed(1.175875602)
    odd = torch.full((4, 4), float(z_5), dtype=torch.float64)
    for i, j, z in ((0, 3, z_1), (1, 2, z_2), (0, 2, z_3), (1, 3, z_4)):
        odd[i, j] += z
        odd[j, i] += z
    odd += torch.diag(torch.tensor([d[0] + z_1 + z_3, d[1] + z_2 + z_4, d[2] + z_2 + z_3, d[3] + z_1 + z_4]).double())
    result = torch.zeros(8, 8, dtype=torch.float64)
    result[0::2] = torch.cat([even, even.flip(1)], dim=1)
    result[[7, 5, 3, 1]] = torch.cat([odd.flip(1), -odd], dim=1)
    return result


def code(image: Image, quality: PerImage, *, soft: bool = True) -> Image:
    """Compress and decompress images in [0, 1], chroma halved (4:2:0).

    With ``soft`` roundings are smooth, tables are not rounded and chroma is repeated: the differentiable JPEG of
    Real-ESRGAN. Without, every step rounds as libjpeg does, and chroma is interpolated.

    Args:
        image: Sides are padded to multiples of 16 by repeating the border.
        quality: One factor from 1 to 100 an image.
        soft: Differentiable, or as the codec does.
    """
    h, w = image.shape[-2:]
    levels = F.pad(255 * image.clamp(0, 1), (0, -w % 16, 0, h % 2), mode="replicate")
    y, c = _to_ycc(levels if soft else levels.round(), soft)
    c = F.avg_pool2d(c, 2)
    if not soft:  # its halves are rounded up and down in turn
        c = (c + torch.tensor([0.25, 0.5], device=c.device).repeat(c.shape[-1] // 2)).floor()
    y = F.pad(y, (0, 0, 0, -y.shape[-2] % 16), mode="replicate")  # as libjpeg: below, each plane repeats its last row
    c = F.pad(c, (0, 0, 0, -c.shape[-2] % 8), mode="replicate")
    quality = quality.to(y, non_blocking=True)
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50)  # libjpeg's rule
    factor = factor if soft else (factor * 100 + 1e-3).floor() / 100
    y, c = _quantize(y, factor, 0, soft), _quantize(c, factor, 1, soft)
    c = c[..., : (h + 1) // 2, : (w + 1) // 2]
    c = F.interpolate(c, scale_factor=2, mode="nearest") if soft else _interpolated(c)
    return (_to_rgb(y[..., :h, :w], c[..., :h, :w], soft).clamp(0, 255) / 255).to(image)


def _to_ycc(rgb: Tensor, soft: bool) -> tuple[Tensor, Tensor]:
    """Full-range BT.601 (JFIF); the codec's constants have 16 bits, and its halves of chroma go down."""
    r, g, b = rgb.unbind(1)
    if soft:
        y = 0.299 * r + 0.587 * g + 0.114 * b
        cb = -0.168736 * r - 0.331264 * g + 0.5 * b + 128
        cr = 0.5 * r - 0.418688 * g - 0.081312 * b + 128
    else:
        r, g, b = r.double(), g.double(), b.double()
        y = _shift(19595 * r + 38470 * g + 7471 * b, 16)
        cb = _shift(-11059 * r - 21709 * g + 32768 * b - 1, 16) + 128
        cr = _shift(32768 * r - 27439 * g - 5329 * b - 1, 16) + 128
    return y[:, None], torch.stack([cb, cr], 1)


def _to_rgb(y: Tensor, c: Tensor, soft: bool) -> Tensor:
    y, cb, cr = y[:, 0], c[:, 0] - 128, c[:, 1] - 128
    if soft:
        return torch.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], 1)
    green = _shift(-22554 * cb - 46802 * cr, 16)
    return torch.stack([y + _shift(91881 * cr, 16), y + green, y + _shift(116130 * cb, 16)], 1)


def _quantize(plane: Tensor, factor: PerImage, table: int, soft: bool) -> Tensor:
    """Cosine transform of 8x8 blocks, division by the table, rounding, and back."""
    b, c, h, w = plane.shape
    blocks = plane.reshape(b, c, h // 8, 8, w // 8, 8).transpose(3, 4) - 128
    tables, cosines, _ = _constants(plane.device)
    steps = expand_as(factor, blocks) * tables[table]
    if soft:
        x = cosines @ blocks @ cosines.T / steps
        whole = x.round()  # to which is added what gives it a derivative (Shin and Song, 2017)
        blocks = cosines.T @ ((whole + (x - whole) ** 3) * steps) @ cosines + 128
    else:
        blocks = _as_libjpeg(blocks, (steps + 0.501).floor().clamp(1, 255)).to(plane)
    return blocks.transpose(3, 4).reshape(b, c, h, w)


def _as_libjpeg(blocks: Tensor, steps: Tensor) -> Tensor:
    """The same in whole numbers: both passes of its transform round, and so does the way back ("islow")."""
    blocks, steps, transform = blocks.double(), steps.double(), _constants(blocks.device)[2]
    eighths = _shift(transform @ _shift(blocks @ transform.T, 11), 15)
    whole = eighths.sign() * ((eighths.abs() + 4 * steps) / (8 * steps)).floor() * steps
    return (_shift(_shift(transform.T @ whole, 11) @ transform, 18) + 128).clamp(0, 255)


def _shift(x: Tensor, bits: int) -> Tensor:
    return (x / 2**bits + 0.5).floor()


def _interpolated(c: Tensor) -> Tensor:
    """Twice the size with weights 3/4 and 1/4 along each axis; halves are rounded up and down in turn."""
    rows = _triangle(c, -2)
    whole = _triangle(rows.transpose(-2, -1), -2).transpose(-2, -1)
    bias = torch.tensor([8.0, 7.0], device=c.device).repeat(c.shape[-1])
    return ((whole * 16 + bias) / 16).floor()


def _triangle(c: Tensor, axis: int) -> Tensor:
    n = c.shape[axis]
    index = torch.arange(n, device=c.device)
    before, after = c.index_select(axis, (index - 1).clamp_min(0)), c.index_select(axis, (index + 1).clamp_max(n - 1))
    return torch.stack([0.75 * c + 0.25 * before, 0.75 * c + 0.25 * after], axis).flatten(axis - 1, axis)
