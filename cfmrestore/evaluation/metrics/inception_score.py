"""Inception score."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.inception_score import inception_score
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS

_OF_A_PART = 10  # images, for an interval


@METRICS.register_module()
class InceptionScore(SetMetric):
    """The Inception score over ten parts of the images (of fewer than ten images, over one).

    An interval is of ten images a part or more: the score of few is that of their number.
    """

    measures: ClassVar[dict[str, bool]] = {"IS": True}
    needs_target = False
    takes_reference = False
    min_features = 1
    parts = 10

    def compare(self, target: Any, row: Tensor) -> tuple[float]:
        del target
        mean, _ = inception_score(self.extractor.probabilities(row), splits=self.parts if len(row) >= self.parts else 1)
        return (mean,)

    def fewest_features(self) -> int:
        return self.parts * _OF_A_PART * max(self.space.patches, 1) if self.interval else self.min_features
