"""Degradations: what makes low-quality images of photographs."""

from cfmrestore.degradations.albumentations import Albumentations
from cfmrestore.degradations.base import Degradation, Fixed, NoParams
from cfmrestore.degradations.blur.defocus_blur import DefocusBlur
from cfmrestore.degradations.blur.gaussian_blur import GaussianBlur
from cfmrestore.degradations.blur.generalized_blur import GeneralizedBlur
from cfmrestore.degradations.blur.motion_blur import MotionBlur
from cfmrestore.degradations.blur.plateau_blur import PlateauBlur
from cfmrestore.degradations.blur.sinc_blur import SincBlur
from cfmrestore.degradations.blur.usm_sharp import USMSharp
from cfmrestore.degradations.codec.diff_jpeg import DiffJPEG
from cfmrestore.degradations.codec.jpeg import JPEG
from cfmrestore.degradations.codec.video import VideoCodec
from cfmrestore.degradations.codec.webp import WebP
from cfmrestore.degradations.color.color_cast import ColorCast
from cfmrestore.degradations.color.grayscale import Grayscale
from cfmrestore.degradations.color.haze import Haze
from cfmrestore.degradations.color.low_light import LowLight
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.degradations.combine.maybe import Maybe
from cfmrestore.degradations.combine.one_of import OneOf
from cfmrestore.degradations.combine.per_image import PerImage
from cfmrestore.degradations.combine.repeat import Repeat
from cfmrestore.degradations.combine.shuffle import Shuffle
from cfmrestore.degradations.forward_operator import ForwardOperator
from cfmrestore.degradations.levels.banding import Banding
from cfmrestore.degradations.levels.clip import Clip
from cfmrestore.degradations.levels.quantize import Quantize
from cfmrestore.degradations.masks.bounded import BoundedMask
from cfmrestore.degradations.masks.boxes import BoxMask
from cfmrestore.degradations.masks.free_form import FreeFormMask
from cfmrestore.degradations.masks.mixed import MixedMask
from cfmrestore.degradations.masks.outpainting import OutpaintMask
from cfmrestore.degradations.masks.strokes import StrokeMask
from cfmrestore.degradations.noise.correlated_noise import CorrelatedNoise
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
    "BoundedMask",
    "BoxMask",
    "ChromaticAberration",
    "Clip",
    "ColorCast",
    "Compose",
    "CorrelatedNoise",
    "DeadPixels",
    "DefocusBlur",
    "Degradation",
    "DiffJPEG",
    "Downscale",
    "Fixed",
    "ForwardOperator",
    "FreeFormMask",
    "GaussianBlur",
    "GaussianNoise",
    "GeneralizedBlur",
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
    "Quantize",
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
