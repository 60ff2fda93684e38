"""Discriminative scores of inpainting."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.inpainting_ids import inception_discriminative_scores
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class InpaintingIDS(SetMetric):
    """P-IDS and U-IDS, the paired and unpaired discriminative scores of inpainting; higher is better."""

    measures: ClassVar[dict[str, bool]] = {"P-IDS": True, "U-IDS": True}
    takes_reference = False
    min_features = 1

    def compare(self, target: Any, row: Tensor) -> tuple[float, float]:
        return inception_discriminative_scores(target, row)
