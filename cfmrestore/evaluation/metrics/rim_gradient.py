"""How visible the border of an inpainting is."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.evaluation.metrics.base import ImageMetric, as_file
from cfmrestore.registry import METRICS


@METRICS.register_module()
class RimGradient(ImageMetric):
    r"""The mean step across the rim of the holes over the mean step beside it: 1 where no border shows.

    A step is :math:`|x_p - x_q|` of two neighbors p, q along an axis, mean over colors. Across the rim one of them lies
    in a hole; beside it both lie within ``width`` pixels of the rim, in the hole or both outside.

    Args:
        protocol: How images are compared; here the same for all.
        width: Of the surroundings on both sides of the rim, in pixels.
    """

    higher_is_better = False
    needs_target = False

    def __init__(self, *, protocol: str = "classic_y", width: int = 4) -> None:
        super().__init__(protocol=protocol)
        self.width = width

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        if "mask" not in sample:
            raise ValueError(f"RimGradient is of holes, and {sample.get('name')!r} has no mask")
        hole = (sample["mask"][:1] >= 0.5).float()
        near = _grown(hole, self.width) * _grown(1 - hole, self.width)  # within reach of both sides
        across, beside = [], []
        for axis in (-1, -2):
            step = as_file(image).double().diff(dim=axis).abs().mean(dim=0)
            crosses = hole[0].diff(dim=axis) != 0
            inside = torch.minimum(*_pairs(near[0], axis)) > 0
            across.append(step[crosses])
            beside.append(step[inside & ~crosses])
        mean = float(torch.cat(beside).mean())
        return float(torch.cat(across).mean()) / mean if mean > 0 else math.nan


def _grown(mask: Tensor, width: int) -> Tensor:
    return F.max_pool2d(mask[None], 2 * width + 1, stride=1, padding=width)[0]


def _pairs(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    return x.narrow(axis, 0, x.shape[axis] - 1), x.narrow(axis, 1, x.shape[axis] - 1)
