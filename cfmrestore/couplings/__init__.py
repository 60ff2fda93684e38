"""Couplings: where a path starts, which end it leads to, and what the network is told."""

from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.independent import Independent
from cfmrestore.couplings.lowres_latent import LowresLatent
from cfmrestore.couplings.posterior_mean import PosteriorMean

__all__ = ["Coupling", "Independent", "LowresLatent", "PosteriorMean"]
