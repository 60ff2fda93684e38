"""Restoring images of any size, files, and cascades; with trained models, or a flow that generates."""

from cfmrestore.restore.restorer import Restorer, Samples
from cfmrestore.restore.sampler import Sampler
from cfmrestore.restore.settings import Settings
from cfmrestore.restore.zero_shot import ZeroShotRestorer

__all__ = ["Restorer", "Sampler", "Samples", "Settings", "ZeroShotRestorer"]
