"""What every metric of images promises."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import BaseMetric
from torch import Tensor

from cfmrestore.evaluation.functional import prepare
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import resize
from cfmrestore.typing import PerImage


class ImageMetric(BaseMetric):
    """The mean over images, of the restoration and of bicubic interpolation beside it.

    One number an image is kept, so that the mean does not depend on batches or ranks.

    Args:
        channel: "y" or "rgb".
        border: Pixels cut at each side.
        baseline: Also measure bicubic interpolation of the input, as ``bicubic/NAME``.
    """

    default_prefix = ""  # none, said in a way that mmengine does not warn about

    def __init__(self, *, channel: str = "y", border: int = 0, baseline: bool = True) -> None:
        super().__init__()
        self.channel, self.border, self.baseline = channel, border, baseline

    @abstractmethod
    def measure(self, image: Tensor, target: Tensor) -> PerImage:
        """Compare batches of levels 0 to 255."""

    def _measure(self, image: Tensor, target: Tensor) -> float:
        a, b = (prepare(x[None], channel=self.channel, border=self.border) for x in (image, target))
        return float(self.measure(a, b))

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        del data_batch
        name = type(self).__name__
        for sample in data_samples:
            target = sample["target"]
            row = {name: self._measure(sample["restored"], target)}
            if self.baseline:
                scale = round(target.shape[-2] / sample["low"].shape[-2])
                enlarged = crop_to(resize(sample["low"][None], scale=scale)[0], tuple(target.shape[-2:]))
                row[f"bicubic/{name}"] = self._measure(enlarged, target)
            self.results.append(row)

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        return {key: sum(row[key] for row in results) / len(results) for key in results[0]}
