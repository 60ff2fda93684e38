"""The kernel inception distance."""

from typing import ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.kernel_distance import kid
from cfmrestore.evaluation.metrics.set_metric import StackedSetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class KID(StackedSetMetric):
    """KID: the mean over 100 pairs of subsets of 1000 images, of all where there are fewer; lower is better.

    Reference: Bińkowski et al., 2018 (arXiv:1801.01401).
    """

    columns: ClassVar[dict[str, bool]] = {"KID": False}
    enough = 1000

    def compare_features(self, target: Tensor | None, row: Tensor) -> dict[str, float]:
        assert target is not None
        size = min(1000, len(row))
        mean, _ = kid(target, row, subsets=100 if size < len(row) else 1, subset_size=size, seed=self.seed)
        return {"KID": mean}
