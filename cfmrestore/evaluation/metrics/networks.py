"""Metrics of single images in the features of a network."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional.dists import DISTSNetwork
from cfmrestore.evaluation.functional.lpips import LPIPSNetwork
from cfmrestore.evaluation.metrics.base import ImageMetric, as_file
from cfmrestore.evaluation.metrics.feature_space import load_extractor
from cfmrestore.registry import METRICS
from cfmrestore.typing import Image, PerImage


class NetworkMetric(ImageMetric):
    """Compares whole images, as 8-bit files, by a network; lower is better."""

    higher_is_better = False

    @cached_property
    @abstractmethod
    def network(self) -> Callable[[Image, Image], PerImage]:
        """The network, with its weights."""

    def prepare(self, num_images: int) -> None:
        self.network  # noqa: B018 - missing weights show before anything is measured

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del sample
        assert target is not None
        return float(self.network(as_file(image)[None], as_file(target)[None]))


@METRICS.register_module()
class LPIPS(NetworkMetric):
    """LPIPS of the whole image as an 8-bit file, mean over images; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        net: "alex", "vgg" or "squeeze".
        weights: File with torchvision's weights of that network, or its folder; without it, torch's cache. "random" are
            seeded random weights.
    """

    def __init__(self, *, protocol: str = "classic_y", net: str = "alex", weights: str | None = None) -> None:
        super().__init__(protocol=protocol)
        self.net, self.weights = net, weights

    @cached_property
    def network(self) -> LPIPSNetwork:
        return LPIPSNetwork(self.net, self.weights)


@METRICS.register_module()
class DISTS(NetworkMetric):
    """DISTS of the whole image as an 8-bit file, mean over images; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        weights: File with the weights of DISTS, or its folder; without it, torch's cache.
        backbone: File with torchvision's weights of VGG16, or its folder; without it, that of ``weights``, or the
            cache. "random" are seeded random weights.
    """

    def __init__(self, *, protocol: str = "classic_y", weights: str | None = None, backbone: str | None = None) -> None:
        super().__init__(protocol=protocol)
        folder = weights if weights is not None and Path(weights).is_dir() else None
        self.weights, self.backbone = weights, backbone or folder

    @cached_property
    def network(self) -> DISTSNetwork:
        return DISTSNetwork(self.backbone, weights=self.weights)


@METRICS.register_module()
class FeatureDistance(NetworkMetric):
    """The distance at five depths of EfficientNet-Lite0, as LPIPS but not fitted to what people see; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        features: The feature extractor, one that has maps of several depths.
        weights: File with its weights, or its folder; without it, those of the installed package.
    """

    def __init__(
        self, *, protocol: str = "classic_y", features: str = "EfficientNetLite", weights: str | None = None
    ) -> None:
        super().__init__(protocol=protocol)
        self.features, self.weights = features, weights

    @property
    def name(self) -> str:
        return "FeatureDistance" + (f" ({self.features})" if self.features != "EfficientNetLite" else "")

    def load(self) -> Callable[[Image, Image], PerImage]:
        return load_extractor(self.features, self.weights).distance


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
