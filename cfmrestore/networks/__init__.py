"""Networks that predict a velocity."""

from cfmrestore.networks.diffusion_velocity import DiffusionVelocity
from cfmrestore.networks.dit import DiT
from cfmrestore.networks.reversed_time import ReversedTime
from cfmrestore.networks.unet import UNet

__all__ = ["DiT", "DiffusionVelocity", "ReversedTime", "UNet"]
