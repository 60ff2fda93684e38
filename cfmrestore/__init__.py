"""Image restoration with flows that run in a latent space."""

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

__version__ = "0.1.0"

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
