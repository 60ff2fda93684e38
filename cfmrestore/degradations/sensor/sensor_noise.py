"""Sensor noise of a camera, colored and smeared by all that the camera does to it."""

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.degradations.base import Degradation, Range, check_range
from cfmrestore.ops import camera
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image, PerImage, Seeds


@dataclass(frozen=True)
class SensorParams:
    gain: Float[Tensor, "b 3"]  # white balance times brightening
    weight: Float[Tensor, "b 4"]  # of four cameras' color matrices
    shot: PerImage  # variance a unit of light
    read: PerImage  # variance in the dark
    seed: Seeds


@DEGRADATIONS.register_module()
class SensorNoise(Degradation[SensorParams]):
    r"""Take the image back to what the sensor saw, add its noise there, and develop it again.

    Backwards go tone curve, gamma, color matrix and gains; then follow Bayer's mosaic, the noise of variance
    :math:`\lambda_s x + \lambda_r`, gains (and saturation), Malvar's demosaicing, color matrix, gamma and tone curve,
    with

    .. math:: \ln \lambda_r = 2.18 \ln \lambda_s + 1.20 + 0.26 n, \qquad n \sim N(0, 1)

    References: Brooks et al., 2019 (arXiv:1811.11127), whose laws of gains, matrices and noise these are; Zhang et al.,
    2021, BSRGAN (arXiv:2103.14006), section 3.3. Brightening never darkens here, so that white stays white; what
    is within 0.01 of white moves towards it, as the inversion takes it for saturated.

    Args:
        shot: Range of the variance lambda_s a unit of light, drawn log-uniformly.
        red: Range of the gain of red, drawn uniformly.
        blue: Range of the gain of blue, drawn uniformly.
        mosaic: One color a pixel, as sensors have. Without, each pixel measures all three.
    """

    clips = True

    def __init__(
        self, *, shot: Range = (1e-4, 0.012), red: Range = (1.9, 2.4), blue: Range = (1.5, 1.9), mosaic: bool = True
    ) -> None:
        self.shot = check_range("shot", shot, 1e-8, 1)
        self.red, self.blue, self.mosaic = check_range("red", red, 1), check_range("blue", blue, 1), mosaic

    def sample(self, frame: Frame, rng: ImageRng) -> SensorParams:
        log_shot = rng.uniform(low=math.log(self.shot[0]), high=math.log(self.shot[1])).double()
        log_read = 2.18 * log_shot + 1.20 + 0.26 * rng.normal()
        brightness = 1 / (0.8 + 0.1 * rng.normal()).clamp(0.4, 1)
        red, blue = (rng.uniform(low=low, high=high) for low, high in (self.red, self.blue))
        gain = brightness[:, None] * torch.stack([red, torch.ones_like(red), blue], dim=1)
        weight = rng.uniform(4, low=1e-3)
        return SensorParams(gain, weight, log_shot.exp().float(), log_read.exp().float(), rng.new_seeds())

    def apply(self, image: Image, params: SensorParams) -> Image:
        if image.device.type != "cpu":
            return self._develop(image, params)
        parts = zip(*(getattr(params, field.name).split(1) for field in fields(params)), strict=True)
        return stack_images(lambda x, values: self._develop(x[None], SensorParams(*values))[0], image, parts)

    def _develop(self, image: Image, params: SensorParams) -> Image:
        h, w = image.shape[-2:]
        x = F.pad(image, (0, w == 1, 0, h == 1), mode="replicate")  # Bayer's pattern needs two pixels on a side
        matrix = camera.rgb_to_camera(params.weight.to(x.device, non_blocking=True))
        raw, gain = camera.unprocess(x, matrix, params.gain), params.gain.to(x, non_blocking=True)[..., None, None]
        if self.mosaic:
            raw, gain = camera.mosaic(raw), camera.mosaic(gain.expand_as(x))
        normal = ImageRng(params.seed).normal(*raw.shape[1:])
        raw = camera.add_sensor_noise(raw, params.shot, params.read, normal)
        balanced = (raw * gain).clamp_max(1)
        return camera.process(camera.demosaic(balanced) if self.mosaic else balanced, matrix)[..., :h, :w]
