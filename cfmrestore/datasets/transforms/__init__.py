"""Transforms of the images of a sample, before they become a batch."""

from cfmrestore.datasets.transforms.albumentations import Albumentations
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.datasets.transforms.center_crop import CenterCrop
from cfmrestore.datasets.transforms.map_to_colors import MapToColors
from cfmrestore.datasets.transforms.random_crop import RandomCrop
from cfmrestore.datasets.transforms.resize_crop import ResizeCrop
from cfmrestore.datasets.transforms.shrink import Shrink

__all__ = [
    "Albumentations",
    "CenterCrop",
    "MapToColors",
    "RandomCrop",
    "ResizeCrop",
    "Sample",
    "Shrink",
    "Transform",
]
