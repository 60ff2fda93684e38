"""Networks that predict a velocity."""

from cfmrestore.networks.unet import UNet

__all__ = ["UNet"]
