"""From what an image is restored."""

from cfmrestore.degradations.base import Degradation, NoParams
from cfmrestore.degradations.clip import Clip
from cfmrestore.degradations.compose import Compose
from cfmrestore.degradations.downscale import Downscale
from cfmrestore.degradations.gaussian_blur import GaussianBlur
from cfmrestore.degradations.gaussian_noise import GaussianNoise
from cfmrestore.degradations.jpeg import JPEG
from cfmrestore.degradations.quantise import Quantise

__all__ = [
    "JPEG",
    "Clip",
    "Compose",
    "Degradation",
    "Downscale",
    "GaussianBlur",
    "GaussianNoise",
    "NoParams",
    "Quantise",
]
