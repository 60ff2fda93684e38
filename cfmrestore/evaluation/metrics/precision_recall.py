"""Precision and recall of a set of images."""

from typing import ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.precision_recall import precision_recall
from cfmrestore.evaluation.metrics.set_metric import StackedSetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class PrecisionRecall(StackedSetMetric):
    """Improved precision and recall with three neighbors.

    Reference: Kynkäänniemi et al., 2019 (arXiv:1904.06991).
    """

    columns: ClassVar[dict[str, bool]] = {"Precision": True, "Recall": True}
    min_features = 4  # three neighbors beside itself
    enough = 1000

    def compare_features(self, target: Tensor | None, row: Tensor) -> dict[str, float]:
        assert target is not None
        scores = precision_recall(target, row)
        return {"Precision": scores.precision, "Recall": scores.recall}
