"""Which start belongs to which end, and what the network is told."""

from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.independent import Independent
from cfmrestore.couplings.lowres_latent import LowresLatent
from cfmrestore.couplings.posterior_mean import PosteriorMean

__all__ = ["Coupling", "Independent", "LowresLatent", "PosteriorMean"]
