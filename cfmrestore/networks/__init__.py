"""Networks that predict a velocity."""

from cfmrestore.networks.dit import DiT
from cfmrestore.networks.unet import UNet

__all__ = ["DiT", "UNet"]
