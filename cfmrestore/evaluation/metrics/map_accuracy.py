"""How many pixels a segmenter takes for what they were asked to be."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cfmrestore.evaluation.metrics.base import as_file, size_of, text_of_size
from cfmrestore.evaluation.metrics.recognition import RecognitionMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class MapAccuracy(RecognitionMetric):
    """The share of pixels whose class a segmenter recognizes, of pictures of label maps and of the targets too.

    The targets' share is what the segmenter makes of real pictures: the layout that generated ones can show it.

    Args:
        features: The segmenter: a feature extractor that tells classes of pixels.
        weights: File with its weights, or its folder; without it, where they usually lie.
        protocol: Without influence.
    """

    def __init__(
        self, *, features: str = "SceneSegmenter", weights: str | None = None, protocol: str = "classic_y"
    ) -> None:
        super().__init__(features=features, weights=weights, protocol=protocol)

    @torch.no_grad()
    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        if "map" not in sample:
            raise ValueError(f"MapAccuracy needs label maps, and {sample.get('name')!r} has none")
        classes = sample["map"]
        if size_of(image) != size_of(classes):
            raise ValueError(
                f"{sample.get('name')!r} has {text_of_size(image)} pixels, its label map {text_of_size(classes)}"
            )
        return float((self.space.extractor.class_map(as_file(image)[None])[0] == classes).double().mean())
