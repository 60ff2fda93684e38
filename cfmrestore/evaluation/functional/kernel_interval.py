"""Bootstrap interval of the unbiased kernel distance of two sets of images."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from cfmrestore.ops.mmd import polynomial_kernel

MOST_IMAGES = 8192
"""Of each set: their pairs are held."""


def kid_interval(
    real: Float[Tensor, "n d"],
    fake: Float[Tensor, "m d"],
    *,
    per_image: int = 1,
    paired: bool = False,
    level: float = 0.95,
    samples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    r"""The percentile interval of the unbiased MMD over images drawn with replacement.

    An image that is drawn w times counts w times in pairs with others, and once for each draw in pairs with itself, so
    that no feature is compared with its own copy: that would move the unbiased estimate. With each image drawn once it
    is :func:`mmd`. (Distances that fit a covariance or look for neighbors have no such remedy.)

    Reference: Efron, 1979; Gretton et al., 2012, equation 3.

    Args:
        per_image: How many successive features an image has.
        paired: Whether image i of both sets is drawn together; otherwise each set is drawn on its own.
        level: Confidence level.
        samples: How many sets of images are drawn.
        seed: Seed of the draws; equal seeds give equal intervals.
    """
    if not (0 < level < 1 and samples >= 100):
        raise ValueError(f"need 0 < level < 1 and 100 samples or more; got {level=}, {samples=}")
    n, m = (len(x) // per_image for x in (real, fake))
    if min(n, m) < 2 or max(n, m) > MOST_IMAGES or (paired and n != m):
        raise ValueError(f"an interval needs 2 to {MOST_IMAGES} images in each set, as many if paired; got {n} and {m}")
    generator = Generator().manual_seed(seed)
    w = _draws(n, samples, generator)
    u = w if paired else _draws(m, samples, generator)
    x, y = ([part.double() for part in z.split(per_image)] for z in (real, fake))
    within = sum(_mean(_images(z, z, own=True), c, c, together=True) for z, c in ((x, w), (y, u)))
    distances = within - 2 * _mean(_images(x, y), w, u, together=paired)
    low, high = torch.quantile(distances, torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64))
    return float(low), float(high)


def _draws(n: int, samples: int, generator: Generator) -> Float[Tensor, "s n"]:
    """How often each of n images is drawn, in each of the sets that are drawn."""
    drawn = torch.randint(n, (samples, n), generator=generator)
    return torch.zeros(samples, n, dtype=torch.float64).scatter_add_(1, drawn, torch.ones_like(drawn).double())


class _Pairs(NamedTuple):
    """Sums of the kernel over the pairs of features of two images, and how many pairs there are."""

    sums: Float[Tensor, "n m"]
    each: int
    of_one: int  # of an image and itself, or its partner


def _images(x: Sequence[Tensor], y: Sequence[Tensor], *, own: bool = False) -> _Pairs:
    """With ``own``, a feature and itself are no pair."""
    per_image, all_y = len(y[0]), torch.cat(list(y))
    rows = [polynomial_kernel(image, all_y).reshape(len(image), -1, per_image).sum(dim=(0, 2)) for image in x]
    sums = torch.stack(rows)
    if own:
        sums.diagonal().sub_(torch.stack([polynomial_kernel(image, image).trace() for image in x]))
    return _Pairs(sums, per_image**2, per_image**2 - per_image * own)


def _mean(pairs: _Pairs, w: Float[Tensor, "s n"], u: Float[Tensor, "s m"], *, together: bool) -> Float[Tensor, " s"]:
    """The mean over the pairs of what was drawn; an image and itself pair once a draw if it is drawn ``together``."""
    total, count = ((w @ pairs.sums) * u).sum(dim=1), pairs.each * w.sum(dim=1) * u.sum(dim=1)
    if together:
        total = total + (w - w * u) @ pairs.sums.diagonal()
        count = count + pairs.of_one * w.sum(dim=1) - pairs.each * (w * u).sum(dim=1)
    return total / count
