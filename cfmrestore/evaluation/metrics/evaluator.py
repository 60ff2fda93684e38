"""The evaluator: all metrics of one set of images."""

from collections import Counter

from mmengine.evaluator import Evaluator

from cfmrestore.evaluation.metrics.base import Metric
from cfmrestore.evaluation.scores import Scores


class RestorationEvaluator(Evaluator):
    """mmengine's evaluator, which keeps the numbers of metrics structured until its logger wants them flat."""

    def prepare(self, num_images: int) -> None:
        """Refuse what cannot be measured, before the first image of the set is restored."""
        metrics = [metric for metric in self.metrics if isinstance(metric, Metric)]
        columns = Counter(column for metric in metrics for column in metric.columns)
        if twice := [column for column, count in columns.items() if count > 1]:
            raise ValueError(f"two metrics give the column {twice[0]}: name one of them")
        for metric in metrics:
            metric.prepare(num_images)

    def score(self, num_images: int) -> Scores:
        """The numbers of all metrics, on every rank."""
        parts = [metric.evaluate(num_images) for metric in self.metrics]
        return Scores.merge(part if isinstance(part, Scores) else Scores.from_flat(part) for part in parts)

    def evaluate(self, size: int) -> dict[str, float]:
        """mmengine's contract: the means by flat keys, for its logger and hooks."""
        return self.score(size).to_flat()
