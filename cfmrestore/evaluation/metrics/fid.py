"""Fréchet distance of two sets, of images or of patches."""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.frechet import GaussianSums, frechet_distance, root_of
from cfmrestore.evaluation.metrics.reference import ReferenceSet
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class FID(SetMetric):
    """FID of whole images; lower is better. Sums are kept; for an interval the features."""

    measures: ClassVar[dict[str, bool]] = {"FID": False}

    def add(self, statistics: Any, name: str, features: Tensor) -> Any:
        if self.interval:
            return super().add(statistics, name, features)
        sums = statistics or GaussianSums(features.shape[1])
        sums.update(features)
        return sums

    def merge(self, statistics: Any, other: Any) -> Any:
        if self.interval:
            return super().merge(statistics, other)
        statistics.merge(other)
        return statistics

    def finish(self, statistics: Any) -> Any:
        return super().finish(statistics) if self.interval else statistics.mean_and_covariance()

    def compare(self, target: Any, row: Any) -> tuple[float]:
        return (frechet_distance(row, target),)

    def intervals(self, target: Any, row: Any) -> Sequence[tuple[float, float]]:
        return super().intervals(target if isinstance(target, Tensor) else root_of(target), row)

    def needed_features(self) -> int:
        """Generated pictures are many: fewer features than their length have a singular covariance."""
        bounded = self.reference_file is None or self.min_images is not None
        return super().needed_features() if bounded else self.extractor.dim + 1

    def of_reference(self, reference: ReferenceSet) -> Any:
        return reference.features if self.interval and reference.features is not None else reference.gaussian


@METRICS.register_module()
class PatchFID(FID):
    """p-FID: the same of patches, which keep details that are lost when a large image is resized for the network."""

    default_patches = 8
