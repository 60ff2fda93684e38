"""Autoencoders that are trained here; as encoders of flows they are ``TrainedAutoencoder``."""

from cfmrestore.autoencoders.autoencoder import Autoencoder

__all__ = ["Autoencoder"]
