"""Layers of networks."""

from cfmrestore.networks.layers.attention import RavelledAttention, SpatialAttention, has_tangent
from cfmrestore.networks.layers.embedding import TimeEmbedding
from cfmrestore.networks.layers.modulation import Modulation, SharedModulation
from cfmrestore.networks.layers.patch import PatchEmbed, PatchHead
from cfmrestore.networks.layers.position import axial_rotation, sincos_table
from cfmrestore.networks.layers.resample import Downsample, Upsample
from cfmrestore.networks.layers.residual import ResidualBlock, norm, zeroed
from cfmrestore.networks.layers.token_attention import LinearAttention, TokenAttention, WindowAttention
from cfmrestore.networks.layers.token_mlp import MLPS
from cfmrestore.networks.layers.token_norm import token_norm
from cfmrestore.networks.layers.transformer import TransformerBlock

__all__ = [
    "MLPS", "Downsample", "LinearAttention", "Modulation", "PatchEmbed", "PatchHead", "RavelledAttention",
    "ResidualBlock", "SharedModulation", "SpatialAttention", "TimeEmbedding", "TokenAttention", "TransformerBlock",
    "Upsample", "WindowAttention", "axial_rotation", "has_tangent", "norm", "sincos_table", "token_norm", "zeroed",
]  # fmt: skip
