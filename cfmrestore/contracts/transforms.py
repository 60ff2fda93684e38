"""Contract of transforms: the same seed does the same to every image of a sample, which is left as it is."""

import numpy as np

from cfmrestore.contracts.base import Contract, require
from cfmrestore.datasets.transforms.base import Sample, Transform, scale_of
from cfmrestore.registry import TRANSFORMS

CLASSES = 5
SEEDS = range(8)


def sample() -> Sample:
    """A target whose channels tell the place of each pixel, its input of half the size, a peer's result, and a map."""
    y, x = np.mgrid[:64, :96].astype(np.uint8)
    high = np.stack([y, x, (x + y) // 2], axis=2)
    low = high[::2, ::2].copy()
    return {"high": high, "low": low, "peer": 255 - high, "map": (y // 16 + x // 16) % CLASSES}


def given_to(transform: Transform) -> Sample:
    """A pair with its map; without the one, or without both, where these are refused."""
    for parts in (("high", "low", "peer", "map"), ("high", "map")):
        given = {part: sample()[part] for part in parts}
        try:
            transform(given, 0)
        except ValueError:
            continue
        return {part: sample()[part] for part in parts}
    return {"high": sample()["high"]}


def same(a: Sample, b: Sample) -> bool:
    """Bit for bit."""
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def check_parts(transform: Transform) -> None:
    """All images stay 8-bit images, and a map a map of its classes, of the size of its image."""
    made = transform(given_to(transform), 0)
    require(isinstance(made, dict) and "high" in made, "it does not return the sample with its image 'high'")
    for part in made.keys() - {"map"}:
        image = made[part]
        require(
            image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3,
            f"{part} becomes {image.dtype} of {image.shape}: images are (h, w, 3) of 8 bits",
        )
    if "map" in made:
        require(made["map"].shape == made["high"].shape[:2], f"a map of {made['map'].shape} of {made['high'].shape}")
        require(
            set(np.unique(made["map"])) <= set(range(CLASSES)), "the map has classes that were not there: do not mix"
        )


def check_pairs(transform: Transform) -> str | None:
    """Input, target and a peer's result are moved alike; the scale of a pair stays a whole number."""
    if "low" not in given_to(transform):
        return "it refuses pairs"
    for seed in SEEDS:
        made = transform(sample(), seed)
        if "low" not in made:
            continue
        scale = scale_of(made)
        high, low = made["high"].astype(int), made["low"].astype(int)
        if any(np.abs(one[..., 2] - (one[..., 0] + one[..., 1]) // 2).max() > 2 for one in (high, low)):
            return "it changes colors, which tell the place no more"
        step = 2 + max(int(np.abs(np.diff(low, axis=axis)).max(initial=0)) for axis in (0, 1))
        apart = np.abs(high[::scale, ::scale][: low.shape[0], : low.shape[1]] - low).max()
        require(apart <= step, f"with the seed {seed} input and target show other places: move both alike")
        if "peer" in made:
            require(
                made["peer"].shape == made["high"].shape and np.abs(255 - made["peer"].astype(int) - high).max() <= 2,
                f"with the seed {seed} target and the peer's result show other places: move both alike",
            )
    return None


def check_seed(transform: Transform) -> None:
    """The same seed gives the same bytes, whatever was drawn before."""
    given = given_to(transform)
    first = transform(given, 7)
    np.random.rand(3)  # noqa: NPY002 - the global generator is what must not matter
    transform(given, 8)
    require(same(transform(given, 7), first), "the same seed gives another sample: draw from default_rng(seed)")


def check_purity(transform: Transform) -> None:
    """The sample that is given stays as it is."""
    given, untouched = given_to(transform), given_to(transform)
    for seed in SEEDS:
        transform(given, seed)
        require(same(given, untouched), "it writes into its input: work on copies")


CONTRACT = Contract(
    TRANSFORMS,
    Transform,
    (check_parts, check_pairs, check_seed, check_purity),
    cases={
        "RandomCrop": [{"size": 32}, {"size": 128, "small": "reflect"}],
        "CenterCrop": [{"size": 32}],
        "ResizeCrop": [{"size": 32}],
        "Shrink": [{"size": 32}, {"size": (32, 80)}],
        "Albumentations": [{"transforms": [{"type": "HorizontalFlip", "p": 0.5}]}],
        "MapToColors": [{"palette": [[40 * i, 0, 255 - 40 * i] for i in range(CLASSES)]}],
    },
    unchecked="whether input and target show the same place where colors change too",
)
