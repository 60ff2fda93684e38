"""Which images were measured."""

import hashlib
from collections.abc import Sequence
from statistics import median
from typing import Any

from mmengine.evaluator import BaseMetric

from cfmrestore.evaluation.metrics.base import Sample
from cfmrestore.registry import METRICS


@METRICS.register_module()
class ImageSet(BaseMetric):
    """Names and digests of the targets (of the restorations where there are none): two sets can be told apart.

    And how long an image took to restore, as the median, where the samples say so.
    """

    default_prefix = ""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.sha256 = ""
        self.seconds: float | None = None

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        del data_batch
        for sample in data_samples:
            image = sample["target"] if "target" in sample else sample["restored"]
            levels = (image.clamp(0, 1) * 255).round().byte().cpu().contiguous().numpy()
            digest = hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).hexdigest()
            self.results.append((sample.get("name", str(len(self.results))), digest, sample.get("seconds")))

    def compute_metrics(self, results: list[tuple[str, str, float | None]]) -> dict[str, float]:
        digests = {name: digest for name, digest, _ in results}
        seconds = [one for _, _, one in results if one is not None]
        self.seconds = median(seconds) if seconds else None
        self.names = sorted(digests)
        self.sha256 = hashlib.sha256("\n".join(f"{n} {digests[n]}" for n in self.names).encode()).hexdigest()
        return {}
