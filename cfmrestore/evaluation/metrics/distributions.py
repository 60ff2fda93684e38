"""Metrics that compare the laws of two sets of images; the references stand with their functions."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.frechet import Gaussian, GaussianSums, frechet_distance
from cfmrestore.evaluation.functional.inception_score import inception_score
from cfmrestore.evaluation.functional.inpainting_ids import inception_discriminative_scores
from cfmrestore.evaluation.functional.kernel_distance import kid
from cfmrestore.evaluation.functional.precision_recall import precision_recall
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class FID(SetMetric):
    """FID of whole images; lower is better. Sums are kept, not features."""

    columns: ClassVar[dict[str, bool]] = {"FID": False}

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


@METRICS.register_module()
class PatchFID(FID):
    """p-FID: the same of patches, which keep details that are lost when a large image is resized for the network."""

    columns: ClassVar[dict[str, bool]] = {"pFID": False}

    def __init__(self, *, weights: str | None = None, patches: int = 8, patch_side: int = 256, seed: int = 0) -> None:
        if patches < 1:
            raise ValueError(f"PatchFID needs a patch or more an image; got {patches=}")
        super().__init__(weights=weights, patches=patches, patch_side=patch_side, seed=seed)


@METRICS.register_module()
class KID(SetMetric):
    """KID: the mean over 100 pairs of subsets of 1000 images, of all where there are fewer; lower is better."""

    columns: ClassVar[dict[str, bool]] = {"KID": False}
    enough = 1000

    def compare(self, target: Any, row: Tensor) -> tuple[float]:
        size = min(1000, len(row))
        mean, _ = kid(target, row, subsets=100 if size < len(row) else 1, subset_size=size, seed=self.seed)
        return (mean,)


@METRICS.register_module()
class PrecisionRecall(SetMetric):
    """Improved precision and recall with three neighbors."""

    columns: ClassVar[dict[str, bool]] = {"Precision": True, "Recall": True}
    min_features = 4  # three neighbors beside itself
    enough = 1000

    def compare(self, target: Any, row: Tensor) -> tuple[float, float]:
        return precision_recall(target, row)


@METRICS.register_module()
class InceptionScore(SetMetric):
    """The Inception score over ten parts of the images (of fewer than ten images, over one)."""

    columns: ClassVar[dict[str, bool]] = {"IS": True}
    needs_target = False
    min_features = 1

    def compare(self, target: Any, row: Tensor) -> tuple[float]:
        del target
        mean, _ = inception_score(self.extractor.probabilities(row), splits=10 if len(row) >= 10 else 1)
        return (mean,)


@METRICS.register_module()
class InpaintingIDS(SetMetric):
    """P-IDS and U-IDS, the paired and unpaired discriminative scores of inpainting; higher is better."""

    columns: ClassVar[dict[str, bool]] = {"P-IDS": True, "U-IDS": True}
    min_features = 1

    def compare(self, target: Any, row: Tensor) -> tuple[float, float]:
        return inception_discriminative_scores(target, row)
