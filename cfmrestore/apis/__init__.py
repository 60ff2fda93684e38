"""What the tools and users call; imported when asked for, so that a tool tells at once what is wrong with a flag."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfmrestore.apis.config import load_config
    from cfmrestore.apis.evaluate import evaluate
    from cfmrestore.apis.train import train

__all__ = ["evaluate", "load_config", "train"]
_PLACES = {"evaluate": "evaluate", "load_config": "config", "train": "train"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
