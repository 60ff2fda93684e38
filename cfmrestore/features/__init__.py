"""Networks whose features metrics and losses compare."""

from cfmrestore.features.backbones import Backbone
from cfmrestore.features.base import Extractor
from cfmrestore.features.inception import InceptionV3, inception
from cfmrestore.features.seeded import SeededNet

__all__ = ["Backbone", "Extractor", "InceptionV3", "SeededNet", "inception"]
