"""What a restoration costs."""

from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import BaseMetric

from cfmrestore.registry import METRICS


@METRICS.register_module()
class NFE(BaseMetric):
    """The network's evaluations an image, counted while it was restored."""

    default_prefix = ""

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        del data_batch
        self.results.extend(sample["nfe"] for sample in data_samples)

    def compute_metrics(self, results: list[int]) -> dict[str, float]:
        return {"NFE": sum(results) / len(results)}
