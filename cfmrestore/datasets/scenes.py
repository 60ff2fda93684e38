"""Generated scenes with exact label maps: textured regions, as many as are asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.layouts import one_of
from cfmrestore.datasets.textures import COLORS, Field, coordinates, noise, texture
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.ops.rng import key_of
from cfmrestore.registry import DATASETS
from cfmrestore.typing import Size

CLASSES = tuple(COLORS)
_GROUND = ("water", "grass", "sand", "stone")


@DATASETS.register_module()
class Scenes(ImageDataset):
    """Landscapes, plots seen from above, and blobs, of six textures: sky, water, grass, sand, stone and brick.

    In a scene sky and water have one mean color and differ by their texture alone; from above each may lie anywhere. It
    is drawn from (run seed, epoch, number), so that every epoch of "train" has new ones; "held_out" is the same in all
    runs. Shapes grow with the size.

    Args:
        split: "train" or "held_out".
        length: How many scenes an epoch of "train" has, or how many are held out.
        size: Side of the image, or height and width, in pixels.
        pipeline: Transforms; they treat an image and its map alike.
        seed: The run's seed; the runner gives it.
    """

    def __init__(
        self,
        *,
        split: str = "train",
        length: int = 10_000,
        size: int | Size = 64,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed)
        self.split, self.length = one_of("split", split, ("train", "held_out")), length
        self.size: Size = (size, size) if isinstance(size, int) else (size[0], size[1])
        if length < 1 or min(self.size) < 8:
            raise ValueError(
                f"Scenes needs a length of 1 or more and sides of 8 pixels or more; got {length=}, {size=}"
            )
        self.metainfo = {"classes": CLASSES}

    def __len__(self) -> int:
        return self.length

    def name(self, index: int) -> str:
        return f"{self.split}/{index:06d}"

    def parts(self, index: int, seed: int) -> Sample:
        own = seed if self.split == "train" else key_of(self.name(index))
        pixels, labels = scene(np.random.default_rng(own), self.size)
        return {"high": pixels, "map": labels}


def scene(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """An image (h, w, 3) of 8 bits, and the class of each pixel."""
    labels = _LAYOUTS[int(rng.integers(len(_LAYOUTS)))](rng, size)
    pixels = np.zeros((*size, 3), np.float32)
    for label in np.flatnonzero(np.bincount(labels.ravel())):
        where = labels == label
        pixels[where] = texture(CLASSES[label], rng, where)
    y, x = coordinates(size)
    light = (
        rng.uniform(0.93, 1.07) + rng.uniform(-0.08, 0.08) * (y - y.mean()) + rng.uniform(-0.08, 0.08) * (x - x.mean())
    )
    return np.round(255 * np.clip(pixels * light[..., None], 0, 1)).astype(np.uint8), labels


def _index(name: str) -> np.uint8:
    return np.uint8(CLASSES.index(name))


def _plots(rng: np.random.Generator, size: Size, count: int, names: Sequence[str]) -> Field:
    """Voronoi cells with bent borders, each of one of the classes."""
    y, x = coordinates(size)
    bend = 0.05 * rng.uniform(0.3, 1.2)
    y, x = y + bend * noise(rng, size, (1, 6), 1.5), x + bend * noise(rng, size, (1, 6), 1.5)
    sites = rng.uniform(0, 1, (count, 2)) * (y.max(), x.max())
    nearest = np.argmin([(y - v) ** 2 + (x - u) ** 2 for v, u in sites], axis=0)
    chosen = np.concatenate([rng.permutation(len(names)) for _ in range(-(-count // len(names)))])
    return np.array([_index(names[k]) for k in chosen])[nearest]


def _landscape(rng: np.random.Generator, size: Size) -> Field:
    """Sky over a horizon, plots below, and often a wall."""
    y, x = coordinates(size)
    height, width = y.max(), x.max()
    labels = _plots(rng, size, int(rng.integers(2, 5)), _GROUND)
    horizon = height * rng.uniform(0.25, 0.55)
    hills = noise(rng, size, (1, 8), 1.6)[size[0] // 2]
    labels[y < horizon + 0.06 * rng.uniform() * hills] = _index("sky")
    if rng.uniform() < 0.6:
        left, wide = width * rng.uniform(0, 0.6), width * rng.uniform(0.2, 0.5)
        top, bottom = horizon - height * rng.uniform(0.05, 0.25), horizon + height * rng.uniform(0.1, 0.3)
        labels[(y > top) & (y < bottom) & (x > left) & (x < left + wide)] = _index("brick")
    return labels


def _from_above(rng: np.random.Generator, size: Size) -> Field:
    """Plots of all classes."""
    return _plots(rng, size, int(rng.integers(3, 8)), CLASSES)


def _blobs(rng: np.random.Generator, size: Size) -> Field:
    """Round shapes of some classes upon another."""
    names = rng.permutation(len(CLASSES))[: int(rng.integers(3, 5))]
    labels = np.full(size, names[0], np.uint8)
    for label in names[1:]:
        labels[noise(rng, size, (1, 4), 1.2) > rng.uniform(0.4, 1.0)] = label
    return labels


_LAYOUTS = (_landscape, _from_above, _blobs)
