"""The Fréchet inception distance."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.frechet import GaussianSums, frechet_distance
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class FID(SetMetric):
    """FID of whole images; lower is better. Sums are kept, not features.

    Reference: Heusel et al., 2017 (arXiv:1706.08500).
    """

    columns: ClassVar[dict[str, bool]] = {"FID": False}

    def add(self, statistics: GaussianSums | None, name: str, features: Tensor) -> GaussianSums:
        del name
        sums = statistics or GaussianSums(features.shape[1])
        sums.update(features)
        return sums

    def merge(self, statistics: GaussianSums, other: GaussianSums) -> GaussianSums:
        statistics.merge(other)
        return statistics

    def compare(self, target: Any, row: GaussianSums) -> dict[str, float]:
        (column,) = self.columns
        return {column: frechet_distance(row.mean_and_covariance(), target.mean_and_covariance())}


@METRICS.register_module()
class PatchFID(FID):
    """p-FID: the same of patches, which keep the details that are lost when a large image is resized for the network.

    Reference: Chai et al., 2022 (arXiv:2204.07156).
    """

    columns: ClassVar[dict[str, bool]] = {"pFID": False}

    def __init__(self, *, weights: str | None = None, patches: int = 8, patch_side: int = 256, seed: int = 0) -> None:
        if patches < 1:
            raise ValueError(f"PatchFID needs a patch or more an image; got {patches=}")
        super().__init__(weights=weights, patches=patches, patch_side=patch_side, seed=seed)
