"""Which images were measured."""

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from statistics import median
from typing import Any

from mmengine.evaluator import BaseMetric

from cfmrestore.evaluation.metrics.base import Sample, scale_of
from cfmrestore.registry import METRICS


@METRICS.register_module()
class ImageDigest(BaseMetric):
    """Names and digests of the targets (of the restorations where there are none): two sets can be told apart.

    And how long an image took to restore, as the median, where the samples say so.
    """

    default_prefix = ""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.sha256 = ""
        self.seconds: float | None = None
        self.scale: int | None = None

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        del data_batch
        for sample in data_samples:
            image = sample["target"] if "target" in sample else sample["restored"]
            levels = (image.clamp(0, 1) * 255).round().byte().cpu().contiguous().numpy()
            digest = hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).hexdigest()
            name = sample.get("name", str(len(self.results)))
            self.results.append((name, digest, sample.get("seconds"), scale_of(sample)))

    def compute_metrics(self, results: list[tuple[str, str, float | None, int | None]]) -> dict[str, float]:
        digests = {name: digest for name, digest, _, _ in results}
        seconds = [one for _, _, one, _ in results if one is not None]
        scales = {scale for *_, scale in results}
        self.scale = scales.pop() if len(scales) == 1 else None
        self.seconds = median(seconds) if seconds else None
        self.names = sorted(digests, key=lambda name: (_stem(name), name))
        lines = [f"{_stem(name)} {digests[name]}" for name in self.names]
        self.sha256 = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return {}


def _stem(name: str) -> str:
    """Without its extension: the same image may lie in files of two formats."""
    return PurePosixPath(name).with_suffix("").as_posix()
