"""Planes of an image as arrays, for OpenCV: on a CPU several times as fast as torch where an image has few channels."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from cfmrestore.typing import Size


def on_cpu(image: Tensor) -> bool:
    """Whether OpenCV can do the work: it knows neither gradients nor other devices."""
    return image.device.type == "cpu" and not (image.requires_grad and torch.is_grad_enabled())


def by_planes(function: Callable[[np.ndarray, np.ndarray], object], image: Tensor, size: Size | None = None) -> Tensor:
    """Every channel by ``function(plane, out)``, which fills ``out``; half precision goes through float32.

    Args:
        function: Takes two arrays of height and width.
        image: Any tensor whose last two axes are height and width.
        size: Height and width of the result, where they change.
    """
    supported = image if image.dtype in (torch.float32, torch.float64) else image.float()
    planes = supported.detach().numpy().reshape(-1, *image.shape[-2:])
    results = np.empty((len(planes), *(size or image.shape[-2:])), planes.dtype)
    for plane, out in zip(planes, results, strict=True):
        function(plane, out)
    return torch.from_numpy(results).reshape(*image.shape[:-2], *results.shape[-2:]).to(image.dtype)
