"""Restoring images of any size, files, and cascades."""

from cfmrestore.restore.restorer import Restorer, Samples
from cfmrestore.restore.sampler import Sampler
from cfmrestore.restore.settings import Settings

__all__ = ["Restorer", "Sampler", "Samples", "Settings"]
