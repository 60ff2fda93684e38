"""Layers of networks."""

from cfmrestore.networks.layers.attention import SpatialAttention
from cfmrestore.networks.layers.embedding import TimeEmbedding
from cfmrestore.networks.layers.resample import Downsample, Upsample
from cfmrestore.networks.layers.residual import ResidualBlock, norm, zeroed

__all__ = ["Downsample", "ResidualBlock", "SpatialAttention", "TimeEmbedding", "Upsample", "norm", "zeroed"]
