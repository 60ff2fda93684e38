"""Image restoration with flows that run in a latent space.

Its parts are imported when asked for: a command reads its flags without torch and mmengine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cfmrestore._version import __version__

if TYPE_CHECKING:
    from cfmrestore.registry import (
        CONDITIONS,
        COUPLINGS,
        DATASETS,
        DEGRADATIONS,
        ENCODERS,
        GRIDS,
        INVERSE_SOLVERS,
        LOSSES,
        METRICS,
        MODELS,
        NETWORKS,
        PATHS,
        SOLVERS,
        TIME_SAMPLERS,
        TRANSFORMS,
    )
    from cfmrestore.restore import Restorer, Sampler

__all__ = [
    "CONDITIONS",
    "COUPLINGS",
    "DATASETS",
    "DEGRADATIONS",
    "ENCODERS",
    "GRIDS",
    "INVERSE_SOLVERS",
    "LOSSES",
    "METRICS",
    "MODELS",
    "NETWORKS",
    "PATHS",
    "SOLVERS",
    "TIME_SAMPLERS",
    "TRANSFORMS",
    "Restorer",
    "Sampler",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = "cfmrestore.restore" if name in ("Restorer", "Sampler") else "cfmrestore.registry"
    return getattr(import_module(place), name)
