"""The Fréchet inception distance."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.frechet import GaussianSums, frechet_distance
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class FID(SetMetric):
    """FID of the images, or with ``patches`` p-FID; lower is better. Sums are kept, not features.

    Reference: Heusel et al., 2017 (arXiv:1706.08500); of patches, Chai et al., 2022 (arXiv:2204.07156).
    """

    columns: ClassVar[dict[str, bool]] = {"FID": False}

    def add(self, kept: GaussianSums | None, features: Tensor) -> GaussianSums:
        sums = kept or GaussianSums(features.shape[1])
        sums.update(features)
        return sums

    def merge(self, kept: GaussianSums, other: GaussianSums) -> GaussianSums:
        kept.merge(other)
        return kept

    def compare(self, target: Any, row: GaussianSums) -> dict[str, float]:
        return {"FID": frechet_distance(row.mean_and_covariance(), target.mean_and_covariance())}
