"""Datasets: images, label maps or latents from disk, or made here, each with a seed of its own."""

from cfmrestore.datasets.ade20k import ADE20K
from cfmrestore.datasets.attribute_folder import AttributeFolder
from cfmrestore.datasets.avatars import Avatars
from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.cached_latents import CachedLatents
from cfmrestore.datasets.celeba_mask_hq import CelebAMaskHQ
from cfmrestore.datasets.class_folder import ClassFolder
from cfmrestore.datasets.coco_stuff import COCOStuff
from cfmrestore.datasets.digits import Digits
from cfmrestore.datasets.draws import Draw, DrawSampler
from cfmrestore.datasets.flow_pairs import FlowPairs
from cfmrestore.datasets.generation_requests import GenerationRequests
from cfmrestore.datasets.hugging_face_dataset import HuggingFaceDataset
from cfmrestore.datasets.image_folder import ImageFolder
from cfmrestore.datasets.label_map_folder import LabelMapFolder
from cfmrestore.datasets.latent_folder import LatentFolder
from cfmrestore.datasets.lsun import LSUN
from cfmrestore.datasets.mixture import Mixture
from cfmrestore.datasets.paired_folder import PairedFolder
from cfmrestore.datasets.scenes import Scenes
from cfmrestore.datasets.web_dataset import WebDataset
from cfmrestore.imageio import read_image

__all__ = [
    "ADE20K",
    "LSUN",
    "AttributeFolder",
    "Avatars",
    "COCOStuff",
    "CachedLatents",
    "CelebAMaskHQ",
    "ClassFolder",
    "Digits",
    "Draw",
    "DrawSampler",
    "FlowPairs",
    "GenerationRequests",
    "HuggingFaceDataset",
    "ImageDataset",
    "ImageFolder",
    "LabelMapFolder",
    "LatentFolder",
    "Mixture",
    "PairedFolder",
    "Scenes",
    "WebDataset",
    "read_image",
]
