"""Which start belongs to which end, and what the network is told."""

from cfmrestore.couplings.base import Coupling
from cfmrestore.couplings.independent import Independent
from cfmrestore.couplings.lowres_latent import LowresLatent

__all__ = ["Coupling", "Independent", "LowresLatent"]
