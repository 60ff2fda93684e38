"""Encoders: the space in which the flow runs."""

from cfmrestore.encoders.autoencoder_dc import AutoencoderDC
from cfmrestore.encoders.autoencoder_kl import AutoencoderKL
from cfmrestore.encoders.autoencoder_tiny import AutoencoderTiny
from cfmrestore.encoders.base import Encoder
from cfmrestore.encoders.card import EncoderCard, card
from cfmrestore.encoders.haar import Haar
from cfmrestore.encoders.identity import Identity
from cfmrestore.encoders.taef2 import TAEF2
from cfmrestore.encoders.trained_autoencoder import TrainedAutoencoder

__all__ = [
    "TAEF2",
    "AutoencoderDC",
    "AutoencoderKL",
    "AutoencoderTiny",
    "Encoder",
    "EncoderCard",
    "Haar",
    "Identity",
    "TrainedAutoencoder",
    "card",
]
