"""From what an image is restored."""

from cfmrestore.degradations.base import Degradation, NoParams
from cfmrestore.degradations.bicubic_down import BicubicDown
from cfmrestore.degradations.clip import Clip
from cfmrestore.degradations.compose import Compose
from cfmrestore.degradations.gaussian_blur import GaussianBlur
from cfmrestore.degradations.gaussian_noise import GaussianNoise
from cfmrestore.degradations.jpeg import JPEG
from cfmrestore.degradations.quantise import Quantise

__all__ = [
    "BicubicDown",
    "Clip",
    "Compose",
    "Degradation",
    "GaussianBlur",
    "GaussianNoise",
    "JPEG",
    "NoParams",
    "Quantise",
]
