"""Base of metrics of single images in the features of a network."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, as_file
from cfmrestore.typing import Image, PerImage


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
