"""Real-ESRGAN's second-order chain out of basicsr's own functions: the peer of the preset real_esrgan.

As there, a batch shares the kinds and the factors that are drawn, and each image has kernels of its own.
"""

import math
import random

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore._compat import patch_torchvision

_KINDS = ["iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"]
_WEIGHTS = [0.45, 0.25, 0.12, 0.03, 0.12, 0.03]


class BasicsrChain:
    """Degrade a batch by a scale of 4; draws from the global generators, as basicsr does.

    Args:
        sharpen: Start from the sharpened photograph.
    """

    def __init__(self, *, sharpen: bool) -> None:
        patch_torchvision()
        from basicsr.data import degradations
        from basicsr.utils import DiffJPEG
        from basicsr.utils.img_process_util import USMSharp, filter2D

        self.basicsr, self.filter2d, self.jpeg = degradations, filter2D, DiffJPEG(differentiable=False)
        self.sharpen = USMSharp() if sharpen else None

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        b, (h, w), scale = len(x), x.shape[-2:], 4
        y = self.filter(x if self.sharpen is None else self.sharpen(x), self._kernels(b, 3.0))
        y = self._resize(y, self._factor((0.2, 0.7, 0.1), 0.15, 1.5))
        y = self._code(self._noise(y, 30, 3.0))
        if random.random() < 0.8:
            y = self.filter(y, self._kernels(b, 1.5))
        factor = self._factor((0.3, 0.4, 0.3), 0.3, 1.2)
        y = self._resize(y, size=(int(h / scale * factor), int(w / scale * factor)))
        y = self._noise(y, 25, 2.5)
        steps = [
            self._code,
            lambda z: self.filter(self._resize(z, size=(h // scale, w // scale)), self._last_kernels(b)),
        ]
        for step in random.sample(steps, 2):
            y = step(y)
        return (y.clamp(0, 1) * 255).round() / 255

    def filter(self, x: Tensor, kernels: Tensor) -> Tensor:
        return self.filter2d(x.contiguous(), kernels)  # it asks for that layout

    def _kernels(self, b: int, sigma: float) -> Tensor:
        return torch.stack([self._kernel(random.choice(range(7, 22, 2)), sigma) for _ in range(b)])

    def _kernel(self, size: int, sigma: float) -> Tensor:
        if random.random() < 0.1:
            low = math.pi / 3 if size < 13 else math.pi / 5
            kernel = self.basicsr.circular_lowpass_kernel(random.uniform(low, math.pi), size, pad_to=False)
        else:
            both, turn = [0.2, sigma], [-math.pi, math.pi]
            kernel = self.basicsr.random_mixed_kernels(
                _KINDS, _WEIGHTS, size, both, both, turn, [0.5, 4], [1, 2], noise_range=None
            )
        margin = (21 - size) // 2
        return torch.from_numpy(np.pad(kernel, margin)).float()

    def _last_kernels(self, b: int) -> Tensor:
        if random.random() >= 0.8:
            return torch.zeros(b, 21, 21).index_fill_(1, torch.tensor(10), 1.0) * (torch.arange(21) == 10)
        size, cutoff = random.choice(range(7, 22, 2)), random.uniform(math.pi / 3, math.pi)
        kernel = self.basicsr.circular_lowpass_kernel(cutoff, size, pad_to=21)
        return torch.from_numpy(kernel).float().expand(b, -1, -1)

    @staticmethod
    def _factor(weights: tuple[float, float, float], low: float, high: float) -> float:
        way = random.choices(["up", "down", "keep"], weights)[0]
        return random.uniform(1, high) if way == "up" else random.uniform(low, 1) if way == "down" else 1.0

    @staticmethod
    def _resize(x: Tensor, factor: float | None = None, size: tuple[int, int] | None = None) -> Tensor:
        return F.interpolate(x, size=size, scale_factor=factor, mode=random.choice(["area", "bilinear", "bicubic"]))

    def _noise(self, x: Tensor, sigma: float, scale: float) -> Tensor:
        both = {"clip": True, "rounds": False, "gray_prob": 0.4}
        if random.random() < 0.5:
            return self.basicsr.random_add_gaussian_noise_pt(x, sigma_range=[1, sigma], **both)
        return self.basicsr.random_add_poisson_noise_pt(x, scale_range=[0.05, scale], **both)

    def _code(self, x: Tensor) -> Tensor:
        return self.jpeg(x.clamp(0, 1), quality=x.new_zeros(len(x)).uniform_(30, 95))
