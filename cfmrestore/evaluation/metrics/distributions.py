"""Metrics that compare the laws of two sets of images; the references stand with their functions."""

from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.frechet import Gaussian, GaussianSums, frechet_distance
from cfmrestore.evaluation.functional.inception_score import inception_score
from cfmrestore.evaluation.functional.inpainting_ids import inception_discriminative_scores
from cfmrestore.evaluation.functional.kernel_distance import kid
from cfmrestore.evaluation.functional.kernel_interval import MOST_IMAGES, kid_interval
from cfmrestore.evaluation.functional.precision_recall import precision_recall
from cfmrestore.evaluation.metrics.feature_space import INCEPTION
from cfmrestore.evaluation.metrics.reference import ReferenceSet
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class FID(SetMetric):
    """FID of whole images; lower is better. Sums are kept, not features."""

    measures: ClassVar[dict[str, bool]] = {"FID": False}

    def add(self, statistics: GaussianSums | None, name: str, features: Tensor) -> GaussianSums:
        del name
        sums = statistics or GaussianSums(features.shape[1])
        sums.update(features)
        return sums

    def merge(self, statistics: GaussianSums, other: GaussianSums) -> GaussianSums:
        statistics.merge(other)
        return statistics

    def finish(self, statistics: GaussianSums) -> Gaussian:
        return statistics.mean_and_covariance()

    def compare(self, target: Any, row: Gaussian) -> tuple[float]:
        return (frechet_distance(row, target),)

    def needed_features(self) -> int:
        """Generated pictures are many: fewer features than their length have a singular covariance."""
        bounded = self.reference_file is None or self.min_images is not None
        return self.min_features if bounded else self.extractor.dim + 1

    def of_reference(self, reference: ReferenceSet) -> Gaussian:
        return reference.gaussian


@METRICS.register_module()
class PatchFID(FID):
    """p-FID: the same of patches, which keep details that are lost when a large image is resized for the network."""

    default_patches = 8


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


@METRICS.register_module()
class PrecisionRecall(SetMetric):
    """Improved precision and recall with three neighbors."""

    measures: ClassVar[dict[str, bool]] = {"Precision": True, "Recall": True}
    min_features = 4  # three neighbors beside itself
    enough = 1000

    def compare(self, target: Any, row: Tensor) -> tuple[float, float]:
        return precision_recall(target, row)


@METRICS.register_module()
class InceptionScore(SetMetric):
    """The Inception score over ten parts of the images (of fewer than ten images, over one)."""

    measures: ClassVar[dict[str, bool]] = {"IS": True}
    needs_target = False
    takes_reference = False
    min_features = 1

    def compare(self, target: Any, row: Tensor) -> tuple[float]:
        del target
        mean, _ = inception_score(self.extractor.probabilities(row), splits=10 if len(row) >= 10 else 1)
        return (mean,)


@METRICS.register_module()
class InpaintingIDS(SetMetric):
    """P-IDS and U-IDS, the paired and unpaired discriminative scores of inpainting; higher is better."""

    measures: ClassVar[dict[str, bool]] = {"P-IDS": True, "U-IDS": True}
    takes_reference = False
    min_features = 1

    def compare(self, target: Any, row: Tensor) -> tuple[float, float]:
        return inception_discriminative_scores(target, row)
