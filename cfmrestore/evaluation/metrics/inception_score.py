"""Inception score."""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.half_sampling import half_sample_intervals
from cfmrestore.evaluation.functional.inception_score import inception_score
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS

_PARTS = 10
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

    def compare(self, target: Any, row: Tensor) -> tuple[float]:
        del target
        mean, _ = inception_score(self.extractor.probabilities(row), splits=_PARTS if len(row) >= _PARTS else 1)
        return (mean,)

    def fewest_features(self) -> int:
        return _PARTS * _OF_A_PART * max(self.space.patches, 1) if self.interval else self.min_features

    def intervals(self, target: Any, row: Any) -> Sequence[tuple[float, float]]:
        def numbers(drawn: Tensor) -> tuple[float]:
            return self.compare(target, drawn)

        per_image, seed = max(self.space.patches, 1), self.space.seed
        return half_sample_intervals(numbers, [row], per_image=per_image, parts=_PARTS, level=self.interval, seed=seed)
