"""What the tools and users call; imported when asked for, so that a tool tells at once what is wrong with a flag."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfmrestore.apis.evaluate import evaluate_folders
    from cfmrestore.apis.test import evaluate_checkpoint
    from cfmrestore.apis.train import train
    from cfmrestore.engine.config.load import load_config
    from cfmrestore.engine.config.presets import load_preset

__all__ = ["evaluate_checkpoint", "evaluate_folders", "load_config", "load_preset", "train"]
_PLACES = {
    "evaluate_folders": "cfmrestore.apis.evaluate",
    "load_config": "cfmrestore.engine.config.load",
    "load_preset": "cfmrestore.engine.config.presets",
    "evaluate_checkpoint": "cfmrestore.apis.test",
    "train": "cfmrestore.apis.train",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
