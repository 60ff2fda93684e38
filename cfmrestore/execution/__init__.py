"""How networks are run: device, precision, tiles, compiled or recorded."""

from cfmrestore.execution.compiling import compile_blocks
from cfmrestore.execution.cuda_graphs import CudaGraphs
from cfmrestore.execution.execution import Execution
from cfmrestore.execution.network_velocity import NetworkVelocity
from cfmrestore.execution.tiled_encoder import TiledEncoder

__all__ = ["CudaGraphs", "Execution", "NetworkVelocity", "TiledEncoder", "compile_blocks"]
