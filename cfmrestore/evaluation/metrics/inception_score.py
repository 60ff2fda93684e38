"""The Inception score."""

from typing import ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.inception_score import inception_score
from cfmrestore.evaluation.metrics.set_metric import StackedSetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class InceptionScore(StackedSetMetric):
    """The Inception score over ten parts of the images (of fewer than ten images, over one).

    Reference: Salimans et al., 2016 (arXiv:1606.03498).
    """

    columns: ClassVar[dict[str, bool]] = {"IS": True}
    needs_target = False
    min_features = 1

    def compare_features(self, target: Tensor | None, row: Tensor) -> dict[str, float]:
        del target
        mean, _ = inception_score(self.extractor.probabilities(row), splits=10 if len(row) >= 10 else 1)
        return {"IS": mean}
