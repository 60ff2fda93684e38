"""Inception score: how sure a classifier is of each image, and how many classes it sees."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor


def inception_score(probabilities: Float[Tensor, "n k"], splits: int = 10) -> tuple[float, float]:
    r"""Mean and standard deviation, over parts of the images, of the score of a part.

    .. math::
        \exp \mathbb{E}_x \mathrm{KL}(p(y | x) \| p(y)), \qquad p(y) = \mathbb{E}_x p(y | x)

    It lies between 1 and the number of classes. The parts follow each other in the order of the images: shuffle images
    that are sorted by class.

    Reference: Salimans et al., 2016, section 4 (arXiv:1606.03498).

    Args:
        probabilities: :math:`p(y | x)`, a row an image.
        splits: Parts, of equal size up to one image.
    """
    n = len(probabilities)
    if not 1 <= splits <= n:
        raise ValueError(f"splits must be between 1 and the number of images; got {splits=} of {n} images")
    bounds = [n * i // splits for i in range(splits + 1)]
    parts = [probabilities[start:stop].double() for start, stop in pairwise(bounds)]
    divergences = [(torch.xlogy(p, p) - torch.xlogy(p, p.mean(dim=0))).sum(dim=1) for p in parts]
    scores = torch.stack([divergence.mean().exp() for divergence in divergences])
    return float(scores.mean()), float(scores.std(correction=0))
