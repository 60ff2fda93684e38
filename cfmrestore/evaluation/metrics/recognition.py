"""Base of metrics that ask a feature extractor what it recognizes."""

from typing import Any

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, pictures
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace


class RecognitionMetric(ImageMetric):
    """What a feature extractor recognizes in pictures, and in the targets, which are as good as real."""

    needs_target = False

    def __init__(self, *, features: str, weights: str | None = None, protocol: str = "classic_y") -> None:
        super().__init__(protocol=protocol)
        self.space = FeatureSpace(features, weights)

    @property
    def name(self) -> str:
        return f"{type(self).__name__} ({self.space.features})"

    def prepare(self, num_images: int) -> None:
        self.space.extractor  # noqa: B018 - what is missing shows before the first image is made

    def rows(self, sample: dict[str, Any]) -> dict[str, Tensor]:
        return pictures(sample)
