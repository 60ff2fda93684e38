"""What a result file tells beside quality: which images were measured, and what their restoration took."""

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from statistics import fmean, median
from typing import Any, ClassVar

from cfmrestore.evaluation.metrics.base import MeasuredSample, Metric, rounded_scale
from cfmrestore.evaluation.scores import MeasuredImages, Score, Scores
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


@METRICS.register_module()
class ImageDigest(Metric):
    """Names and digests of the targets (of the restorations where there are none): two sets can be told apart.

    And how long an image took to restore, as the median, where the samples say so.
    """

    columns: ClassVar[dict[str, bool]] = {}

    def __init__(self) -> None:
        super().__init__()

    def process(self, data_batch: Any, data_samples: Sequence[MeasuredSample]) -> None:
        del data_batch
        for sample in data_samples:
            image = sample["target"] if "target" in sample else sample["restored"]
            levels = (image.clamp(0, 1) * 255).round().byte().cpu().contiguous().numpy()
            digest = hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).hexdigest()
            name = sample.get("name", str(len(self.results)))
            self.results.append((name, digest, sample.get("seconds"), rounded_scale(sample)))

    def compute_metrics(self, results: list[tuple[str, str, float | None, int | None]]) -> Scores:
        digests = {name: digest for name, digest, _, _ in results}
        seconds = [time for _, _, time, _ in results if time is not None]
        scales = {scale for *_, scale in results}
        # Without its extension: the same image may lie in files of two formats.
        named = sorted((PurePosixPath(name).with_suffix("").as_posix(), name) for name in digests)
        lines = [f"{stem} {digests[name]}" for stem, name in named]
        images = MeasuredImages(
            [name for _, name in named],
            hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            scales.pop() if len(scales) == 1 else None,
            median(seconds) if seconds else None,
        )
        return Scores(images=images)
