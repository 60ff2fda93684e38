"""Checking a cache of latents: some of its entries encoded again."""

from pathlib import Path

from cfmrestore.datasets.cached_latents import CachedLatents
from cfmrestore.datasets.latent_cache.shards import LABEL
from cfmrestore.engine.latent_cache.source import CacheSource
from cfmrestore.ops.permutation import Permutation

_ROUNDING = {"float32": 1e-4, "float16": 2e-3, "bfloat16": 2e-2}
"""Largest difference, in parts of the largest moment: another batch and another device sum in another order."""


def verify(source: CacheSource, folder: Path, count: int, seed: int = 0) -> float:
    """Encode some entries again; returns the largest difference, in parts of the largest moment of its entry.

    Args:
        source: What the cache was made of.
        folder: Of the cache.
        count: How many entries, drawn at random.
        seed: Which.
    """
    cache = CachedLatents(data_root=str(folder), group=1)
    numbers = {name: index for index, name in enumerate(source.images)}
    draw = Permutation(len(cache), seed)
    worst, wrong = 0.0, []
    for index in (draw[place] for place in range(min(count, len(cache)))):
        image, _, version = cache.name(index).rpartition(":")
        entry = source.entry(numbers[image], int(version))
        fresh = {} if entry is None else source.encode([entry])
        differences = [1.0]
        stored = cache[index]["inputs"]
        if fresh.keys() == stored.keys() and all(fresh[key][0].shape == stored[key].shape for key in fresh):
            pairs = [(fresh[key][0].double(), stored[key].double()) for key in fresh]
            differences = [float((a - b).abs().max() / b.abs().max().clamp_min(1e-12)) for a, b in pairs]
            if LABEL in fresh and not fresh[LABEL][0].equal(stored[LABEL]):
                differences = [1.0]
        worst = max(worst, *differences)
        if max(differences) > _ROUNDING[source.dtype]:
            wrong.append(cache.name(index))
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {min(count, len(cache))} entries that were encoded again differ from {str(folder)!r} (by "
            f"{worst:.2g} of the largest moment), such as {', '.join(wrong[:3])}: the images or weights have changed, "
            "so write the cache anew"
        )
    return worst
