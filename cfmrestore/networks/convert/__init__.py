"""Weights of other projects' networks as ours, and back."""

from cfmrestore.networks.convert.ddpm_unet import ddpm_unet_layout
from cfmrestore.networks.convert.diffusers_unet import diffusers_unet_layout
from cfmrestore.networks.convert.dit import dit_layout
from cfmrestore.networks.convert.edm_unet import edm_unet_layout
from cfmrestore.networks.convert.guided_unet import guided_unet_layout
from cfmrestore.networks.convert.layout import Layout, NotThisNetworkError, Rename

__all__ = [
    "Layout",
    "NotThisNetworkError",
    "Rename",
    "ddpm_unet_layout",
    "diffusers_unet_layout",
    "dit_layout",
    "edm_unet_layout",
    "guided_unet_layout",
]
