"""Nearest neighbors of one set in another, which is seen part by part."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Neighbors(NamedTuple):
    """The nearest of each query, the nearest first."""

    distances: Float[Tensor, "n k"]
    indices: Int[Tensor, "n k"]


def nearest_neighbors(queries: Float[Tensor, "n d"], parts: Iterable[Float[Tensor, "_ d"]], k: int) -> Neighbors:
    """The k nearest by Euclidean distance of each query, among the rows of all parts, counted through.

    Distances are sums of squared differences, so that an exact copy lies at zero.
    """
    queries, begin = queries.double(), 0
    distances = queries.new_empty(len(queries), 0)
    indices = torch.empty(len(queries), 0, dtype=torch.int64)
    for part in parts:
        new = torch.cdist(queries, part.double(), compute_mode="donot_use_mm_for_euclid_dist")
        places = torch.arange(begin, begin + len(part)).expand(len(queries), -1)
        together, candidates = torch.cat([distances, new], dim=1), torch.cat([indices, places], dim=1)
        distances, order = together.sort(dim=1, stable=True)
        distances, indices = distances[:, :k], candidates.gather(1, order[:, :k])
        begin += len(part)
    if not 1 <= k <= begin:
        raise ValueError(f"k must be between 1 and the number of what is searched; got {k=} of {begin}")
    return Neighbors(distances, indices)
