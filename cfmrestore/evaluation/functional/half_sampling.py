"""Interval of any number of whole sets, by halves of them."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Generator, Tensor


def half_sample_intervals(
    numbers: Callable[..., Sequence[float]],
    sets: Sequence[Float[Tensor, "_ d"]],
    *,
    per_image: int = 1,
    paired: bool = False,
    parts: int = 1,
    level: float = 0.95,
    samples: int = 100,
    seed: int = 0,
) -> list[tuple[float, float]]:
    r"""Normal intervals of the numbers of sets, whose spread is that over halves of their images.

    With half of n images drawn without replacement, a mean of them deviates from that of all n with the variance
    :math:`\left(\frac{2}{n} - \frac{1}{n}\right) \sigma^2 = \sigma^2 / n`: the spread over halves is that of the whole.
    So it is of whatever is nearly linear in the law of the images. With B halves,

    .. math::
        \theta \pm z\, s, \qquad s^2 = \frac{m}{n - m} \frac{1}{B} \sum_b (\theta_b - \bar\theta)^2,
        \qquad m = \lfloor n / 2 \rfloor .

    A bootstrap with replacement meets each image again as its own copy, which is its own neighbor and flattens
    covariances: the numbers of its samples lie elsewhere. Those of halves lie elsewhere too, as a Fréchet distance
    grows with fewer images; that is common to all of them, and drops out. The interval is that of the number which so
    many images have on average, bias included. Where the sets hardly differ, a distance is no longer nearly linear,
    and the interval is too wide.

    Reference: Shao and Wu, 1989, the jackknife that deletes half.

    Args:
        numbers: Of the sets, or of a half of each.
        sets: The features, in the order of the images; each is drawn from on its own, unless ``paired``.
        per_image: How many successive features an image has.
        paired: Whether the same images are drawn of all sets, which then have as many.
        parts: Of how many successive parts, each of which is halved; the images keep their order.
        level: Confidence level.
        samples: How many halves are drawn.
        seed: Seed of the draws; equal seeds give equal intervals.
    """
    counts = [len(x) // per_image for x in sets]
    if not (0 < level < 1 and samples >= 30):
        raise ValueError(f"need 0 < level < 1 and 30 samples or more; got {level=}, {samples=}")
    if min(counts) < 4 or (paired and len(set(counts)) > 1):
        raise ValueError(f"an interval needs 4 images or more in each set, as many if paired; got {counts}")
    generator = Generator().manual_seed(seed)

    def half(x: Tensor, images: Tensor) -> Tensor:
        return x.reshape(-1, per_image, x.shape[1])[images.to(x.device)].flatten(0, 1)

    def drawn_of(n: int) -> Tensor:
        bounds = [n * i // parts for i in range(parts + 1)]
        chosen = [a + torch.randperm(b - a, generator=generator)[: (b - a) // 2] for a, b in pairwise(bounds)]
        return torch.cat(chosen).sort().values

    rows = []
    for _ in range(samples):
        drawn = [drawn_of(n) for n in counts[: 1 if paired else None]] * (len(sets) if paired else 1)
        rows.append(list(numbers(*map(half, sets, drawn))))
    odd = sum((n // 2) / (n - n // 2) for n in counts) / len(counts)
    spread = odd**0.5 * torch.tensor(rows, dtype=torch.float64).std(dim=0, correction=0)
    reach = float(torch.special.ndtri(torch.tensor((1 + level) / 2, dtype=torch.float64))) * spread
    return [(value - off, value + off) for value, off in zip(numbers(*sets), reach.tolist(), strict=True)]
