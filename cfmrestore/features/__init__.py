"""Networks whose features metrics and losses compare."""

from cfmrestore.features.alexnet import AlexNet
from cfmrestore.features.avatar_classifier import AvatarClassifier
from cfmrestore.features.backbones import Backbone
from cfmrestore.features.base import Extractor
from cfmrestore.features.clip_image_encoder import CLIPImageEncoder
from cfmrestore.features.digit_classifier import DigitClassifier
from cfmrestore.features.efficientnet_lite import EfficientNetLite
from cfmrestore.features.inception import InceptionV3, inception
from cfmrestore.features.pooled_backbone import PooledBackbone
from cfmrestore.features.scene_segmenter import SceneSegmenter
from cfmrestore.features.seeded import SeededNet
from cfmrestore.features.squeezenet import SqueezeNet
from cfmrestore.features.vgg16 import VGG16

__all__ = [
    "VGG16", "AlexNet", "AvatarClassifier", "Backbone", "CLIPImageEncoder", "DigitClassifier", "EfficientNetLite",
    "Extractor", "InceptionV3", "PooledBackbone", "SceneSegmenter", "SeededNet", "SqueezeNet", "inception",
]  # fmt: skip
