"""Image restoration with flows that run in a latent space."""

from cfmrestore._version import __version__
from cfmrestore.registry import (
    COUPLINGS,
    DATASETS,
    DEGRADATIONS,
    ENCODERS,
    GRIDS,
    LOSSES,
    METRICS,
    MODELS,
    NETWORKS,
    PATHS,
    SOLVERS,
    TIME_SAMPLERS,
    TRANSFORMS,
)

__all__ = [
    "COUPLINGS",
    "DATASETS",
    "DEGRADATIONS",
    "ENCODERS",
    "GRIDS",
    "LOSSES",
    "METRICS",
    "MODELS",
    "NETWORKS",
    "PATHS",
    "SOLVERS",
    "TIME_SAMPLERS",
    "TRANSFORMS",
    "__version__",
]
