"""Kernel distance of two sets, of images or of patches."""

from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.kernel_distance import kid
from cfmrestore.evaluation.functional.kernel_interval import MOST_IMAGES, kid_interval
from cfmrestore.evaluation.metrics.feature_space import INCEPTION
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class KID(SetMetric):
    """KID: the mean over 100 pairs of subsets of 1000 images, of all where there are fewer; lower is better.

    Args:
        interval: Confidence level of a bootstrap interval over images, whose ends get columns; 0 is none.
    """

    measures: ClassVar[dict[str, bool]] = {"KID": False}
    enough = 1000

    def __init__(
        self,
        *,
        features: str = INCEPTION,
        weights: str | None = None,
        patches: int | None = None,
        patch_side: int = 256,
        seed: int = 0,
        reference: str | Path | None = None,
        min_images: int | None = None,
        baseline: dict[str, Any] | None = None,
        interval: float = 0.0,
    ) -> None:
        super().__init__(
            features=features,
            weights=weights,
            patches=patches,
            patch_side=patch_side,
            seed=seed,
            reference=reference,
            min_images=min_images,
            baseline=baseline,
        )
        if not 0 <= interval < 1:
            raise ValueError(f"need 0 <= interval < 1; got {interval}")
        self.interval = interval

    @property
    def columns(self) -> dict[str, bool]:
        (column,) = super().columns
        return dict.fromkeys([column, f"{column} low", f"{column} high"] if self.interval else [column], False)

    def prepare(self, num_images: int) -> None:
        super().prepare(num_images)
        most = max(num_images, self.reference.num_images if self.reference else 0)
        if self.interval and most > MOST_IMAGES:
            raise ValueError(f"an interval takes {MOST_IMAGES} images at most; got {most}: leave interval out")

    def compare(self, target: Any, row: Tensor) -> tuple[float, ...]:
        size, seed = min(1000, len(row), len(target)), self.space.seed
        whole = size == len(row) == len(target)
        mean, _ = kid(target, row, subsets=1 if whole else 100, subset_size=size, seed=seed)
        if not self.interval:
            return (mean,)
        per_image, paired = max(self.space.patches, 1), self.reference is None
        return mean, *kid_interval(target, row, per_image=per_image, paired=paired, level=self.interval, seed=seed)


@METRICS.register_module()
class PatchKID(KID):
    """p-KID: the same of patches."""

    default_patches = 8
