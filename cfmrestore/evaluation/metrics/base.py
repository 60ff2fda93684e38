"""Base classes of metrics."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.evaluator import BaseMetric
from torch import Tensor

from cfmrestore.evaluation import protocols
from cfmrestore.evaluation.scores import Score, Scores
from cfmrestore.ops.holes import fill_mean, fill_telea
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import infer_scale, resize
from cfmrestore.typing import Size

MeasuredSample = dict[str, Any]
_ROWS = ("restored", "bicubic", "telea", "mean color", "encoder")


def size_of(image: Tensor) -> Size:
    """Height and width."""
    return image.shape[-2], image.shape[-1]


def text_of_size(image: Tensor) -> str:
    """Height and width for a message."""
    return f"{image.shape[-2]}x{image.shape[-1]}"


def whole_scale(sample: Mapping[str, Any]) -> int | None:
    """Scale factor that the sample names, or else that of its sizes; None without an input, or if it is no integer."""
    scale: int | None = sample.get("scale")
    if scale is not None or "low" not in sample:
        return scale
    return infer_scale(size_of(sample["restored"]), size_of(sample["low"]))


def rounded_scale(sample: Mapping[str, Any]) -> int | None:
    """Scale factor, rounded to an integer where it is none; None without an input."""
    scale = whole_scale(sample)
    if scale is not None or "low" not in sample:
        return scale
    return max(1, round(sample["restored"].shape[-2] / sample["low"].shape[-2]))


def views(sample: MeasuredSample) -> dict[str, Tensor]:
    """The rows of the table: the restoration, what is there without a model, and the target through the encoder.

    Without a model there is bicubic interpolation of the input, or of one with holes Telea's filling and the mean
    color; they are kept in the sample, which several metrics see.
    """
    if "low" in sample and "mask" in sample:
        for name, fill in (("telea", fill_telea), ("mean color", fill_mean)):
            if name not in sample:
                sample[name] = fill(sample["low"], sample["mask"][0])
    elif "low" in sample and "bicubic" not in sample:
        size, scale, low = size_of(sample["restored"]), whole_scale(sample), sample["low"][None]
        enlarged = None if scale is None else crop_to(resize(low, scale=scale), size)
        if enlarged is None or size_of(enlarged) != size:
            enlarged = resize(low, size=size)
        sample["bicubic"] = enlarged[0].clamp(0, 1)
    return {name: sample[name] for name in _ROWS if name in sample}


def pictures(sample: MeasuredSample) -> dict[str, Tensor]:
    """The rows of the table, and the target where there is one."""
    return {**views(sample), **({"target": sample["target"]} if "target" in sample else {})}


def as_file(image: Tensor) -> Tensor:
    """Rounded to the levels of an 8-bit file."""
    return (image.clamp(0, 1) * 255).round() / 255


class Metric(BaseMetric):
    """Metric base class: ``evaluate`` returns ``Scores``, the same on every rank."""

    default_prefix = ""  # none, in a way that mmengine does not warn about
    needs_target: bool = False
    needs_scale: bool = False
    """Whether it cuts a border of as many pixels as the scale, where the protocol does."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, bool]:
        """Names of its columns, and whether higher is better there."""

    def prepare(self, num_images: int) -> None:
        """Load what is needed, and refuse too few images, before the first one is restored."""


class ImageMetric(Metric):
    """One number an image, of the restoration and of what stands beside it (see ``rows``); their means are reported.

    The numbers are kept by the images' names, so that the means do not depend on batches or ranks, and an image that
    a sampler repeats to fill up a batch counts once.

    Args:
        protocol: How images are compared: a name of ``evaluation.protocols``.
    """

    higher_is_better: bool = True
    needs_target: bool = True

    def __init__(self, *, protocol: str = "classic_y") -> None:
        super().__init__()
        self.protocol = protocols.find_protocol(protocol)

    @property
    def name(self) -> str:
        """Name of the column in the table."""
        return type(self).__name__

    @property
    def columns(self) -> dict[str, bool]:
        return {self.name: self.higher_is_better}

    def rows(self, sample: MeasuredSample) -> dict[str, Tensor]:
        """What is measured of a sample, by row of the table."""
        return views(sample)

    @abstractmethod
    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        """The number of one image, (3, h, w) in [0, 1]; the sample it belongs to holds the scale and the input."""

    def process(self, data_batch: Any, data_samples: Sequence[MeasuredSample]) -> None:
        del data_batch
        for sample in data_samples:
            target = sample.get("target")
            if target is None and self.needs_target:
                raise ValueError(f"{self.name} compares with a target, which {sample.get('name')!r} does not have")
            row: dict[str, Any] = {"name": sample.get("name", str(len(self.results)))}
            for view, image in self.rows(sample).items():
                if self.needs_target and target is not None and size_of(image) != size_of(target):
                    raise ValueError(
                        f"{view} of {row['name']!r} has {text_of_size(image)} pixels, the target {text_of_size(target)}"
                    )
                if not bool(image.sum().isfinite()):
                    raise ValueError(f"{view} of {row['name']!r} holds NaN or infinite values")
                row[view] = self.measure(image, target, sample)
            self.results.append(row)

    def compute_metrics(self, results: list[dict[str, Any]]) -> Scores:
        values: dict[str, dict[str, float]] = {}
        for row in results:
            for view, value in row.items():
                if view != "name":
                    values.setdefault(view, {})[row["name"]] = value
        scores = {view: Score(mean_of_finite(list(row.values())), row) for view, row in values.items()}
        return Scores({view: {self.name: score} for view, score in scores.items()}, self.columns)


def mean_of_finite(values: Sequence[float]) -> float:
    """The mean without infinite values (PSNR of images that are equal to their targets); infinite if all are."""
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else values[0]
