"""Base classes of metrics of the luma alone, and of those in the features of a network."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, as_file, scale_of
from cfmrestore.typing import Image, PerImage


class LumaMetric(ImageMetric):
    """Compares the rounded luma, without the border that the protocol cuts."""

    needs_scale = True
    in_color: ClassVar[bool] = False
    """Whether it compares all channels where the protocol does."""

    @abstractmethod
    def compare(self, image: Tensor, target: Tensor) -> PerImage:
        """The numbers of levels 0 to 255."""

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        prepare = self.protocol.levels if self.in_color else self.protocol.luma
        a, b = (prepare(x[None], scale_of(sample)) for x in (image, target))
        return float(self.compare(a, b))


class NetworkMetric(ImageMetric):
    """Compares whole images, as 8-bit files, by a network; lower is better."""

    higher_is_better = False

    @abstractmethod
    def load(self) -> Callable[[Image, Image], PerImage]:
        """The network, with its weights."""

    @cached_property
    def network(self) -> Callable[[Image, Image], PerImage]:
        return self.load()

    def prepare(self, num_images: int) -> None:
        self.network  # noqa: B018 - missing weights show before anything is measured

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del sample
        assert target is not None
        return float(self.network(as_file(image)[None], as_file(target)[None]))
