"""From what an image is restored."""

from cfmrestore.degradations.albumentations import Albumentations
from cfmrestore.degradations.base import Degradation, Fixed, NoParams
from cfmrestore.degradations.blur.defocus_blur import DefocusBlur
from cfmrestore.degradations.blur.gaussian_blur import GaussianBlur
from cfmrestore.degradations.blur.generalised_blur import GeneralisedBlur
from cfmrestore.degradations.blur.motion_blur import MotionBlur
from cfmrestore.degradations.blur.plateau_blur import PlateauBlur
from cfmrestore.degradations.blur.sinc_blur import SincBlur
from cfmrestore.degradations.blur.usm_sharp import USMSharp
from cfmrestore.degradations.codec.diff_jpeg import DiffJPEG
from cfmrestore.degradations.codec.jpeg import JPEG
from cfmrestore.degradations.codec.video import VideoCodec
from cfmrestore.degradations.codec.webp import WebP
from cfmrestore.degradations.colour.colour_cast import ColourCast
from cfmrestore.degradations.colour.grayscale import Grayscale
from cfmrestore.degradations.colour.haze import Haze
from cfmrestore.degradations.colour.low_light import LowLight
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.degradations.combine.maybe import Maybe
from cfmrestore.degradations.combine.one_of import OneOf
from cfmrestore.degradations.combine.per_image import PerImage
from cfmrestore.degradations.combine.repeat import Repeat
from cfmrestore.degradations.combine.shuffle import Shuffle
from cfmrestore.degradations.levels.banding import Banding
from cfmrestore.degradations.levels.clip import Clip
from cfmrestore.degradations.levels.quantise import Quantise
from cfmrestore.degradations.masks.boxes import BoxMask
from cfmrestore.degradations.masks.mixed import MixedMask
from cfmrestore.degradations.masks.outpainting import OutpaintMask
from cfmrestore.degradations.masks.strokes import StrokeMask
from cfmrestore.degradations.noise.gaussian_noise import GaussianNoise
from cfmrestore.degradations.noise.poisson_noise import PoissonNoise
from cfmrestore.degradations.noise.salt_and_pepper import SaltAndPepper
from cfmrestore.degradations.noise.speckle_noise import SpeckleNoise
from cfmrestore.degradations.resize.downscale import Downscale
from cfmrestore.degradations.resize.random_resize import RandomResize
from cfmrestore.degradations.resize.resize_to import ResizeTo
from cfmrestore.degradations.sensor.chromatic_aberration import ChromaticAberration
from cfmrestore.degradations.sensor.dead_pixels import DeadPixels
from cfmrestore.degradations.sensor.sensor_noise import SensorNoise
from cfmrestore.degradations.sensor.vignetting import Vignetting

__all__ = [
    "JPEG",
    "Albumentations",
    "Banding",
    "BoxMask",
    "ChromaticAberration",
    "Clip",
    "ColourCast",
    "Compose",
    "DeadPixels",
    "DefocusBlur",
    "Degradation",
    "DiffJPEG",
    "Downscale",
    "Fixed",
    "GaussianBlur",
    "GaussianNoise",
    "GeneralisedBlur",
    "Grayscale",
    "Haze",
    "LowLight",
    "Maybe",
    "MixedMask",
    "MotionBlur",
    "NoParams",
    "OneOf",
    "OutpaintMask",
    "PerImage",
    "PlateauBlur",
    "PoissonNoise",
    "Quantise",
    "RandomResize",
    "Repeat",
    "ResizeTo",
    "SaltAndPepper",
    "SensorNoise",
    "Shuffle",
    "SincBlur",
    "SpeckleNoise",
    "StrokeMask",
    "USMSharp",
    "VideoCodec",
    "Vignetting",
    "WebP",
]
