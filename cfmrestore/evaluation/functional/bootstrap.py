"""Bootstrap confidence interval of a difference of means."""

import numpy as np

_BLOCK = 10_000_000  # numbers that are drawn at once


def paired_interval(
    differences: np.ndarray, *, level: float = 0.95, samples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The percentile interval of the mean difference, over images drawn with replacement (Efron, 1979).

    Args:
        differences: One number an image: a method's less another's on the same image.
        level: Confidence level.
        samples: How many sets of images are drawn.
        seed: Seed of the draws; equal seeds give equal intervals.
    """
    n = len(differences)
    if n < 2:
        raise ValueError(f"an interval needs two images or more; got {n}")
    if not (0 < level < 1 and samples >= 100):
        raise ValueError(f"need 0 < level < 1 and 100 samples or more; got {level=}, {samples=}")
    rng = np.random.default_rng(seed)
    values = np.asarray(differences, np.float64)
    rows = max(1, _BLOCK // n)
    means = np.concatenate(
        [values[rng.integers(0, n, (min(rows, samples - done), n))].mean(1) for done in range(0, samples, rows)]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
