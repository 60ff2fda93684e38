"""Any metric of the package pyiqa."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, as_file
from cfmrestore.registry import METRICS


@METRICS.register_module()
class PyIQA(ImageMetric):
    """A metric of pyiqa (MUSIQ, CLIP-IQA, MANIQA, ...) of the whole image as an 8-bit file, mean over images.

    The package finds its own weights, and downloads them where it can.

    Args:
        metric: Its name there, such as "musiq".
        protocol: How images are compared; here the same for all.
        options: What ``pyiqa.create_metric`` takes beside the name.
    """

    def __init__(self, *, metric: str, protocol: str = "classic_y", options: Mapping[str, Any] | None = None) -> None:
        super().__init__(protocol=protocol)
        try:
            import pyiqa
        except ImportError as error:
            raise ValueError(f"the metric {metric!r} is of the package pyiqa: pip install pyiqa") from error
        try:
            self.network = pyiqa.create_metric(metric, device="cpu", **(options or {}))
        except (AssertionError, KeyError) as error:
            raise ValueError(f"pyiqa has no metric {metric!r}: {error}") from error
        self.metric = metric
        self.higher_is_better = not self.network.lower_better
        self.needs_target = self.network.metric_mode == "FR"

    @property
    def name(self) -> str:
        return f"pyiqa:{self.metric}"

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del sample
        images = [as_file(x)[None] for x in (image, target) if x is not None]
        return float(self.network(*images[: 2 if self.needs_target else 1]))
