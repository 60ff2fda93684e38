"""Networks that predict a velocity."""

from cfmrestore.networks.base import Network
from cfmrestore.networks.diffusers_unet_2d import DiffusersUNet2D
from cfmrestore.networks.diffusion_velocity import DiffusionVelocity
from cfmrestore.networks.dit import DiT
from cfmrestore.networks.reversed_time import ReversedTime
from cfmrestore.networks.unet import UNet

__all__ = ["DiT", "DiffusersUNet2D", "DiffusionVelocity", "Network", "ReversedTime", "UNet"]
