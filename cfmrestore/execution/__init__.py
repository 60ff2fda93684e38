"""How networks are run: device, precision, tiles."""

from cfmrestore.execution.execution import Execution
from cfmrestore.execution.network_velocity import NetworkVelocity
from cfmrestore.execution.tiled_encoder import TiledEncoder

__all__ = ["Execution", "NetworkVelocity", "TiledEncoder"]
