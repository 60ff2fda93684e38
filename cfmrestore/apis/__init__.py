"""What the tools and users call."""

from cfmrestore.apis.config import load_config
from cfmrestore.apis.test import test
from cfmrestore.apis.train import train

__all__ = ["load_config", "test", "train"]
