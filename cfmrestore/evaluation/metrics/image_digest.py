"""Which images were measured, and how long each took."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from statistics import median
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.metrics.base import MeasuredSample, Metric, rounded_scale
from cfmrestore.evaluation.scores import MeasuredImages, Scores
from cfmrestore.registry import METRICS


@METRICS.register_module()
class ImageDigest(Metric):
    """Names and digests of the targets (of the restorations where there are none): two sets can be told apart.

    So can the inputs, where there are any. And how long an image took to restore, as the median, where the samples say
    so.
    """

    columns: ClassVar[dict[str, bool]] = {}

    def __init__(self) -> None:
        super().__init__()

    def process(self, data_batch: Any, data_samples: Sequence[MeasuredSample]) -> None:
        del data_batch
        for sample in data_samples:
            digest = _digest(sample["target"] if "target" in sample else sample["restored"])
            low = _digest(sample["low"]) if "low" in sample else None
            name = sample.get("name", str(len(self.results)))
            self.results.append((name, digest, low, sample.get("seconds"), rounded_scale(sample)))

    def compute_metrics(self, results: list[tuple[str, str, str | None, float | None, int | None]]) -> Scores:
        digests = {name: digest for name, digest, *_ in results}
        lows = {name: low for name, _, low, *_ in results if low is not None}
        seconds = [time for *_, time, _ in results if time is not None]
        scales = {scale for *_, scale in results}
        images = MeasuredImages(
            [name for _, name in _by_stem(digests)],
            _digest_of_set(digests),
            scales.pop() if len(scales) == 1 else None,
            median(seconds) if seconds else None,
            _digest_of_set(lows) if len(lows) == len(digests) else None,
        )
        return Scores(images=images)


def _digest(image: Tensor) -> str:
    """Of an image's 8-bit levels."""
    levels = (image.clamp(0, 1) * 255).round().byte().cpu().contiguous().numpy()
    return hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).hexdigest()


def _by_stem(names: Iterable[str]) -> list[tuple[str, str]]:
    """Names in order, each behind its stem: the same image may lie in files of two formats."""
    return sorted((PurePosixPath(name).with_suffix("").as_posix(), name) for name in names)


def _digest_of_set(digests: Mapping[str, str]) -> str:
    lines = [f"{stem} {digests[name]}" for stem, name in _by_stem(digests)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
