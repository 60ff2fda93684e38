"""Kernel distance of two sets, of images or of patches."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.kernel_distance import kid
from cfmrestore.evaluation.functional.kernel_interval import MOST_IMAGES, kid_interval
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class KID(SetMetric):
    """KID: the mean over 100 pairs of subsets of 1000 images, of all where there are fewer; lower is better.

    Its interval is the bootstrap of the unbiased distance.
    """

    measures: ClassVar[dict[str, bool]] = {"KID": False}
    enough = 1000

    def prepare(self, num_images: int) -> None:
        super().prepare(num_images)
        most = max(num_images, self.reference.num_images if self.reference else 0)
        if self.interval and most > MOST_IMAGES:
            raise ValueError(f"an interval takes {MOST_IMAGES} images at most; got {most}: leave interval out")

    def fewest_features(self) -> int:
        return max(self.min_features, 2 * max(self.space.patches, 1)) if self.interval else self.min_features

    def compare(self, target: Any, row: Tensor) -> tuple[float]:
        size = min(1000, len(row), len(target))
        whole = size == len(row) == len(target)
        mean, _ = kid(target, row, subsets=1 if whole else 100, subset_size=size, seed=self.space.seed)
        return (mean,)

    def intervals(self, target: Any, row: Tensor) -> list[tuple[float, float]]:
        per_image, paired = max(self.space.patches, 1), self.reference is None
        keys: dict[str, Any] = {"level": self.interval, "seed": self.space.seed}
        return [kid_interval(target, row, per_image=per_image, paired=paired, **keys)]


@METRICS.register_module()
class PatchKID(KID):
    """p-KID: the same of patches."""

    default_patches = 8
