"""Color cast: a wrong white balance, and colors that drift."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation, Range, check_range
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image

_R, _B = 0.299, 0.114  # of the luma, ITU-R BT.601
_U, _V = 0.492, 0.877  # what makes b - luma and r - luma the chroma axes of PAL


@dataclass(frozen=True)
class CastParams:
    gain: Float[Tensor, "b 3"]
    chroma: Float[Tensor, "b 2"]  # saturation times the cosine and the sine of the hue's angle


@DEGRADATIONS.register_module()
class ColorCast(Degradation[CastParams]):
    r"""Turn and scale the chroma, then scale each channel; the result may leave [0, 1].

    .. math::
        u' + i v' = s e^{i \theta} (u + i v), \qquad y_c = g_c \, x'_c

    where :math:`u = 0.492 (b - Y), v = 0.877 (r - Y)` and Y is the luma of BT.601, which the turn keeps.

    Args:
        gain: Range of g, drawn uniformly for each channel.
        saturation: Range of s, drawn uniformly; 0 takes the colors away.
        hue: Range of the angle in degrees, drawn uniformly.
    """

    stream = "ColourCast"

    affine = True

    def __init__(self, *, gain: Range = (0.75, 1.25), saturation: Range = (1.0, 1.0), hue: Range = (0.0, 0.0)) -> None:
        self.gain = check_range("gain", gain, 0)
        self.saturation = check_range("saturation", saturation, 0)
        self.hue = check_range("hue", hue, -180, 180)

    def sample(self, frame: Frame, rng: ImageRng) -> CastParams:
        gain = rng.uniform(3, low=self.gain[0], high=self.gain[1])
        saturation = rng.uniform(low=self.saturation[0], high=self.saturation[1])
        angles = [math.radians(a) for a in rng.uniform(low=self.hue[0], high=self.hue[1]).tolist()]
        turn = torch.tensor([[math.cos(a), math.sin(a)] for a in angles], dtype=torch.float32, device="cpu")
        return CastParams(gain, saturation[:, None] * turn)

    def apply(self, image: Image, params: CastParams) -> Image:
        r, g, b = image.unbind(dim=1)
        luma = _R * r + (1 - _R - _B) * g + _B * b
        u, v = _U * (b - luma), _V * (r - luma)
        cos, sin = (expand_as(value, u) for value in params.chroma.to(image, non_blocking=True).unbind(dim=1))
        to_blue, to_red = (cos * u - sin * v) / _U, (sin * u + cos * v) / _V
        to_green = -(_R * to_red + _B * to_blue) / (1 - _R - _B)
        turned = torch.stack([luma + to_red, luma + to_green, luma + to_blue], dim=1)
        return params.gain.to(image, non_blocking=True)[..., None, None] * turned
