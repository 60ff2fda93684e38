"""Resizing back to a known size, with a random kernel."""

from collections.abc import Sequence

import torch

from cfmrestore.degradations.resize.drawn_resize import DrawnResize, ResizeParams
from cfmrestore.ops.resize import scaled_size
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@DEGRADATIONS.register_module()
class ResizeTo(DrawnResize):
    """Resize to the size with which the chain began, divided by the scale and rounded up.

    Args:
        scale: By how much the chain shrinks an image in all.
        kernels: Kernels of which one is drawn: "bicubic", "bilinear", "lanczos", "area".
        antialias: Widen the kernel when shrinking.
    """

    def __init__(
        self,
        *,
        scale: float = 4,
        kernels: Sequence[str] = ("area", "bilinear", "bicubic"),
        antialias: bool = False,
    ) -> None:
        if not scale > 0:
            raise ValueError(f"scale must be positive; got {scale}")
        super().__init__(kernels, antialias)
        self.scale = scale

    def sample(self, frame: Frame, rng: ImageRng) -> ResizeParams:
        size = torch.tensor(scaled_size(frame.origin, 1 / self.scale)).expand(len(rng), 2)
        return ResizeParams(size, self.draw_kernel(rng))
