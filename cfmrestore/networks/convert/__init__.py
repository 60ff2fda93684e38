"""Weights of other projects' networks as ours, and back."""

from cfmrestore.networks.convert.dit import dit_layout
from cfmrestore.networks.convert.edm_unet import edm_unet_layout
from cfmrestore.networks.convert.guided_unet import guided_unet_layout
from cfmrestore.networks.convert.layout import Layout, NotThisNetworkError, Rename

__all__ = ["Layout", "NotThisNetworkError", "Rename", "dit_layout", "edm_unet_layout", "guided_unet_layout"]
