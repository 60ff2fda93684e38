"""Base of metrics of the luma."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, rounded_scale
from cfmrestore.typing import PerImage


class LumaMetric(ImageMetric):
    """Compares the rounded luma, without the border that the protocol cuts."""

    needs_scale = True
    in_color: ClassVar[bool] = False
    """Whether it compares all channels where the protocol does."""

    @staticmethod
    @abstractmethod
    def compare(a: Tensor, b: Tensor) -> PerImage:
        """The numbers of levels 0 to 255."""

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        scale, in_color = rounded_scale(sample), self.in_color
        a, b = (self.protocol.luma(x[None], scale, in_color=in_color) for x in (image, target))
        return float(self.compare(a, b))
