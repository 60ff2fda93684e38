"""Random generators of images: the same draws whatever the batch, worker, rank or device."""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from cfmrestore.ops.parallel import stack_images

_MASK = (1 << 64) - 1
_TORCH_BITS = (1 << 32) - 1  # torch's generator for the CPU takes no more: of 100 000 streams about one pair is equal
_MANY = 1 << 16  # numbers in all that take longer than to wake another thread, a quarter of a millisecond (measured)
_FEW = 16  # numbers that are hashed one by one; setting up torch's generator takes as long as hashing fifty


def mix(*keys: int) -> int:
    """Fold integers into one seed of 63 bits: splitmix64 (Steele et al., 2014) applied to a running sum."""
    state = 0
    for key in keys:
        z = (state + key + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        state = z ^ (z >> 31)
    return state >> 1


@lru_cache(maxsize=4096)
def key_of(text: str) -> int:
    """A stable integer for a name: the same on every machine and in every process, unlike ``hash``."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _tensor(rows: list[Any], dtype: Any, shape: tuple[int, ...]) -> Tensor:
    """A batch of numbers; by way of numpy in a third of the time."""
    return torch.from_numpy(np.array(rows, dtype).reshape(len(rows), *shape))


class ImageRng:
    """A batch of random generators, one an image, each seeded by its image alone.

    Every draw has the batch as first axis and is made on the CPU, so that a GPU sees the same numbers. A few numbers
    are hashes of (seed, how many were drawn before), an image full of them comes from torch's generator.

    Args:
        seeds: One integer an image.
    """

    def __init__(self, seeds: Iterable[int] | Tensor) -> None:
        self.seeds = tuple(int(seed) for seed in seeds)
        self._drawn = 0

    @cached_property
    def _generators(self) -> list[Generator]:
        return [Generator().manual_seed(seed & _TORCH_BITS) for seed in self.seeds]

    def __len__(self) -> int:
        return len(self.seeds)

    def fork(self, name: str) -> "ImageRng":
        """Independent generators for a named part, so that a draw added in one part moves no other."""
        key = key_of(name)
        return ImageRng(mix(seed, key) for seed in self.seeds)

    def pick(self, images: Iterable[int]) -> "ImageRng":
        """The generators of some images of the batch, from their start."""
        return ImageRng(self.seeds[i] for i in images)

    def _hashes(self, count: int) -> list[list[int]]:
        """Numbers of 63 bits, a row an image."""
        first, self._drawn = self._drawn, self._drawn + count
        return [[mix(seed, n) for n in range(first, first + count)] for seed in self.seeds]

    def _fractions(self, count: int) -> list[list[float]]:
        """Numbers of 24 bits in [0, 1), a row an image."""
        return [[(n >> 39) / (1 << 24) for n in row] for row in self._hashes(count)]

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Numbers in [low, high]; high only by rounding."""
        count = math.prod(shape)
        if count > _FEW:
            return low + (high - low) * torch.stack([torch.rand(shape, generator=g) for g in self._generators])
        rows = [[low + (high - low) * u for u in row] for row in self._fractions(count)]
        return _tensor(rows, np.float32, shape)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return self._draw(lambda g: torch.randn(shape, generator=g), math.prod(shape))

    def poisson(self, rate: Tensor) -> Tensor:
        """Counts of Poisson's law with these rates, the same for every image."""
        return self._draw(lambda g: torch.poisson(rate, generator=g), rate.numel())

    def _draw(self, draw: Callable[[Generator], Tensor], count: int) -> Tensor:
        """So many numbers an image, whose generator makes them on one thread: side by side where there are many."""
        if len(self) == 1 or len(self) * count < _MANY:
            return torch.stack([draw(g) for g in self._generators])
        return stack_images(draw, self._generators)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Integers in [low, high]."""
        rows = [[low + n % (high - low + 1) for n in row] for row in self._hashes(math.prod(shape))]
        return _tensor(rows, np.int64, shape)

    def choice(self, weights: Sequence[float]) -> Tensor:
        """An index an image, with probabilities proportional to the weights."""
        bounds = list(accumulate(weights))
        return _tensor([bisect_right(bounds, u * bounds[-1]) for (u,) in self._fractions(1)], np.int64, ())

    def new_seeds(self) -> Tensor:
        """One fresh seed an image, for an operator whose application is itself random."""
        return self.integers(0, (1 << 62) - 1)
