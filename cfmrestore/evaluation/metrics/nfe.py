"""Number of function evaluations."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, ClassVar

from cfmrestore.evaluation.metrics.base import MeasuredSample, Metric
from cfmrestore.evaluation.scores import Score, Scores
from cfmrestore.registry import METRICS


@METRICS.register_module()
class NFE(Metric):
    """Number of function evaluations: how often the network was run for an image, counted while it was restored."""

    columns: ClassVar[dict[str, bool]] = {"NFE": False}

    def process(self, data_batch: Any, data_samples: Sequence[MeasuredSample]) -> None:
        del data_batch
        self.results.extend(sample["nfe"] for sample in data_samples)

    def compute_metrics(self, results: list[int]) -> Scores:
        return Scores({"restored": {"NFE": Score(fmean(results))}}, self.columns)
