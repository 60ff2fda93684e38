"""Networks whose features metrics and losses compare."""

from cfmrestore.features.backbones import Backbone
from cfmrestore.features.base import Extractor
from cfmrestore.features.digit_classifier import DigitClassifier
from cfmrestore.features.efficientnet_lite import EfficientNetLite
from cfmrestore.features.inception import InceptionV3, inception
from cfmrestore.features.scene_segmenter import SceneSegmenter
from cfmrestore.features.seeded import SeededNet

__all__ = [
    "Backbone", "DigitClassifier", "EfficientNetLite", "Extractor", "InceptionV3", "SceneSegmenter", "SeededNet",
    "inception",
]  # fmt: skip
