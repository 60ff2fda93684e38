"""From what an image is restored."""

from cfmrestore.degradations.base import Degradation, Fixed, NoParams
from cfmrestore.degradations.blur.defocus_blur import DefocusBlur
from cfmrestore.degradations.blur.gaussian_blur import GaussianBlur
from cfmrestore.degradations.blur.generalised_blur import GeneralisedBlur
from cfmrestore.degradations.blur.plateau_blur import PlateauBlur
from cfmrestore.degradations.blur.sinc_blur import SincBlur
from cfmrestore.degradations.codec.jpeg import JPEG
from cfmrestore.degradations.codec.webp import WebP
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.degradations.combine.maybe import Maybe
from cfmrestore.degradations.combine.one_of import OneOf
from cfmrestore.degradations.combine.per_image import PerImage
from cfmrestore.degradations.combine.repeat import Repeat
from cfmrestore.degradations.combine.shuffle import Shuffle
from cfmrestore.degradations.levels.clip import Clip
from cfmrestore.degradations.levels.quantise import Quantise
from cfmrestore.degradations.noise.gaussian_noise import GaussianNoise
from cfmrestore.degradations.resize.downscale import Downscale
from cfmrestore.degradations.resize.random_resize import RandomResize
from cfmrestore.degradations.resize.resize_to import ResizeTo

__all__ = [
    "JPEG",
    "Clip",
    "Compose",
    "DefocusBlur",
    "Degradation",
    "Downscale",
    "Fixed",
    "GaussianBlur",
    "GaussianNoise",
    "GeneralisedBlur",
    "Maybe",
    "NoParams",
    "OneOf",
    "PerImage",
    "PlateauBlur",
    "Quantise",
    "RandomResize",
    "Repeat",
    "ResizeTo",
    "Shuffle",
    "SincBlur",
    "WebP",
]
