"""Improved precision and recall."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.precision_recall import precision_recall
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class PrecisionRecall(SetMetric):
    """Improved precision and recall with three neighbors."""

    measures: ClassVar[dict[str, bool]] = {"Precision": True, "Recall": True}
    min_features = 4  # three neighbors beside itself
    enough = 1000

    def compare(self, target: Any, row: Tensor) -> tuple[float, float]:
        return precision_recall(target, row)
