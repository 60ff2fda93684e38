"""Fréchet distance of two sets, of images or of patches."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.frechet import Gaussian, GaussianSums, frechet_distance
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
