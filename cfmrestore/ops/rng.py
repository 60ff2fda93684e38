"""Randomness that belongs to an image: the same draws whatever the batch, worker, rank or device."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property

import torch
from torch import Generator, Tensor

from cfmrestore.ops.parallel import map_images

_MASK = (1 << 64) - 1
_TORCH_BITS = (1 << 32) - 1  # torch's generator for the CPU takes no more: of 100 000 streams about one pair is equal


def mix(*keys: int) -> int:
    """Fold integers into one seed of 63 bits: splitmix64 (Steele et al., 2014) applied to a running sum."""
    state = 0
    for key in keys:
        z = (state + key + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        state = z ^ (z >> 31)
    return state >> 1


def key_of(text: str) -> int:
    """A stable integer for a name: the same on every machine and in every process, unlike ``hash``."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


class ImageRng:
    """A batch of random generators, one an image, each seeded by its image alone.

    Every draw has the batch as first axis and is made on the CPU, so that a GPU sees the same numbers.

    Args:
        seeds: One integer an image.
    """

    def __init__(self, seeds: Iterable[int] | Tensor) -> None:
        self.seeds = tuple(int(seed) for seed in seeds)

    @cached_property
    def _generators(self) -> list[Generator]:
        return [Generator().manual_seed(seed & _TORCH_BITS) for seed in self.seeds]

    def __len__(self) -> int:
        return len(self.seeds)

    def fork(self, name: str) -> "ImageRng":
        """Independent generators for a named part, so that a draw added in one part moves no other."""
        return ImageRng(mix(seed, key_of(name)) for seed in self.seeds)

    def pick(self, images: Iterable[int]) -> "ImageRng":
        """The generators of some images of the batch, from their start."""
        return ImageRng(self.seeds[i] for i in images)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Numbers in [low, high)."""
        return low + (high - low) * torch.stack([torch.rand(shape, generator=g) for g in self._generators])

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.stack(map_images(lambda g: torch.randn(shape, generator=g), self._generators))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Integers in [low, high]."""
        return torch.stack([torch.randint(low, high + 1, shape, generator=g) for g in self._generators])

    def choice(self, weights: Sequence[float]) -> Tensor:
        """An index an image, with probabilities proportional to the weights."""
        bounds = torch.tensor(weights, dtype=torch.float64, device="cpu").cumsum(0)
        u = self.uniform().to(torch.float64) * bounds[-1]
        return torch.searchsorted(bounds, u, right=True).clamp_max(len(weights) - 1)

    def new_seeds(self) -> Tensor:
        """One fresh seed an image, for an operator whose application is itself random."""
        return self.integers(0, (1 << 62) - 1)
