"""Datasets: images or latents from disk, each with a seed of its own."""

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.draws import Draw, DrawSampler
from cfmrestore.datasets.image_folder import ImageFolder
from cfmrestore.datasets.latent_folder import LatentFolder
from cfmrestore.datasets.paired_folder import PairedFolder
from cfmrestore.imageio import read_image

__all__ = ["Draw", "DrawSampler", "ImageDataset", "ImageFolder", "LatentFolder", "PairedFolder", "read_image"]
