"""Resizing by a random factor, up or down, with a random kernel."""

from collections.abc import Sequence

import torch

from cfmrestore.degradations.base import Range, check_range
from cfmrestore.degradations.resize.drawn_resize import DrawnResize, ResizeParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@DEGRADATIONS.register_module()
class RandomResize(DrawnResize):
    """Resize by a factor that is drawn: up, down or not at all, each with a probability.

    The images of a batch get sizes of their own: put the chain into ``PerImage``, and end it with ``ResizeTo``.

    Args:
        factor: Range of the factor; draws above 1 are uniform in [1, high], those below in [low, 1].
        probabilities: Probabilities of growing, shrinking, and keeping the size.
        kernels: Kernels of which one is drawn: "bicubic", "bilinear", "lanczos", "area".
        antialias: Widen the kernel when shrinking.
        divisor: Where given, the size is divided by a number drawn uniformly from this range, in place of a factor.
        origin_scale: Where given, the factor counts from the size with which the chain began, divided by this scale
            (the second round of Real-ESRGAN); otherwise from the size now.
    """

    def __init__(
        self,
        *,
        factor: Range = (0.15, 1.5),
        probabilities: Sequence[float] = (0.2, 0.7, 0.1),
        kernels: Sequence[str] = ("area", "bilinear", "bicubic"),
        antialias: bool = False,
        divisor: Range | None = None,
        origin_scale: float | None = None,
    ) -> None:
        super().__init__(kernels, antialias)
        self.low, self.high = check_range("factor", factor, 1e-3)
        if len(probabilities) != 3 or min(probabilities) < 0 or not sum(probabilities) > 0:
            raise ValueError(f"need the probabilities of growing, shrinking and keeping; got {probabilities=}")
        if divisor is None and ((probabilities[0] and self.high < 1) or (probabilities[1] and self.low > 1)):
            raise ValueError(
                f"no factor of {factor} grows or shrinks as {probabilities=} require: widen it, or give a 0"
            )
        if origin_scale is not None and not origin_scale > 0:
            raise ValueError(f"origin_scale must be positive; got {origin_scale}")
        self.divisor = None if divisor is None else check_range("divisor", divisor, 1e-3)
        self.probabilities, self.origin_scale = probabilities, origin_scale

    def sample(self, frame: Frame, rng: ImageRng) -> ResizeParams:
        scale = self.origin_scale
        height, width = frame.size if scale is None else (side / scale for side in frame.origin)
        sides = [[max(int(f * height), 1), max(int(f * width), 1)] for f in self._draw_factors(rng)]
        return ResizeParams(torch.tensor(sides), self.draw_kernel(rng))

    def _draw_factors(self, rng: ImageRng) -> list[float]:
        if self.divisor is not None:
            return [1 / d for d in rng.uniform(low=self.divisor[0], high=self.divisor[1]).tolist()]
        draws = zip(rng.choice(self.probabilities).tolist(), rng.uniform().tolist(), strict=True)
        low, high = min(self.low, 1), max(self.high, 1)
        return [(1 + (high - 1) * u, low + (min(self.high, 1) - low) * u, 1.0)[way] for way, u in draws]
