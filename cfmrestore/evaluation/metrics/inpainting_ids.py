"""P-IDS and U-IDS of a set of images."""

from typing import ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.inpainting_ids import inception_discriminative_scores
from cfmrestore.evaluation.metrics.set_metric import StackedSetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class InpaintingIDS(StackedSetMetric):
    """P-IDS and U-IDS, the paired and unpaired discriminative scores of inpainting; higher is better.

    Reference: Zhao et al., 2021 (arXiv:2103.10428).
    """

    columns: ClassVar[dict[str, bool]] = {"P-IDS": True, "U-IDS": True}
    min_features = 1

    def compare_features(self, target: Tensor | None, row: Tensor) -> dict[str, float]:
        assert target is not None
        scores = inception_discriminative_scores(target, row)
        return {"P-IDS": scores.paired, "U-IDS": scores.unpaired}
