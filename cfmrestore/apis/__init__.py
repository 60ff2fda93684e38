"""What the tools and users call."""

from cfmrestore.apis.config import load_config
from cfmrestore.apis.evaluate import evaluate
from cfmrestore.apis.train import train

__all__ = ["evaluate", "load_config", "train"]
