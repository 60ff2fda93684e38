"""Contract of datasets: samples of one form, the same whoever asks for them."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from cfmrestore.contracts.base import Contract, require, shape
from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.draws import Draw
from cfmrestore.registry import DATASETS

_SOME = 3
_IMAGES = ("high", "low", "peer")
_MOMENTS = ("high_moments", "low_moments", "lifted_moments")
_WHAT = {"high", "low", "latent", "size", "high_moments"}


def check_samples(dataset: Any) -> None:
    """A sample holds inputs, with 8-bit images (3, h, w), and its name, seed and number."""
    require(len(dataset) > 0, "it is empty")
    for index in range(min(len(dataset), _SOME)):
        one = dataset[index]
        inputs = one["inputs"]
        require(inputs.keys() & _WHAT, f"a sample holds {sorted(inputs)}, and no image")
        for part in inputs.keys() & set(_MOMENTS):
            right = inputs[part].is_floating_point() and inputs[part].dim() == 3
            require(right, f"{part} are {inputs[part].dtype} of {shape(inputs[part])}: floats (c, h, w)")
        for part in inputs.keys() & set(_IMAGES):
            image = inputs[part]
            right = isinstance(image, Tensor) and image.dtype == torch.uint8 and image.dim() == 3 and len(image) == 3
            require(right, f"{part} is {getattr(image, 'dtype', type(image))} of {shape(image)}: (3, h, w) of 8 bits")
        if "map" in inputs and "high" in inputs:
            require(inputs["map"].shape == inputs["high"].shape[1:], "a label map has another size than its image")
        about = one["data_samples"]
        require({"name", "seed", "number"} <= about.keys(), f"data_samples holds {sorted(about)}: name, seed, number")


def check_labels(dataset: Any) -> str | None:
    """Classes go from 0 on, and have names in metainfo["classes"]."""
    if not isinstance(dataset, ImageDataset):
        return "it is made of other datasets, or no ImageDataset"
    if dataset.label(0) is None:
        return "its images have no class"
    labels = [dataset.label(index) for index in range(min(len(dataset), 100))]
    classes = len(dataset.metainfo.get("classes", ()))
    require(classes > 0, 'metainfo["classes"] does not name the classes')
    outside = [label for label in labels if label is None or not 0 <= label < classes]
    require(not outside, f"labels {outside[:3]} are none of {classes} classes")
    return None


def check_names(dataset: Any) -> None:
    """Every image has a name of its own, of which its seed is made."""
    count = min(len(dataset), 100)
    names = [dataset.name(index) for index in range(count)]
    require(len(set(names)) == count, "two images have one name, and so one seed: take the path below the root")


def check_order(dataset: Any) -> None:
    """The order of an epoch is one of a seed, of indices of which each comes once at most."""
    orders = [dataset.order(seed) if hasattr(dataset, "order") else range(len(dataset)) for seed in (1, 1)]
    count = min(len(orders[0]), 1000)
    first, again = ([order[place] for place in range(count)] for order in orders)
    require(first == again, "the same seed gives another order: it is to depend on the seed alone")
    inside = len(set(first)) == count and all(0 <= index < len(dataset) for index in first)
    require(inside, "an order holds an index twice, or one that is not there")


def check_draws(dataset: Any) -> None:
    """The same draw is the same sample; another epoch has another seed."""
    here, again, later = (dataset[Draw(0, epoch, 5)] for epoch in (0, 0, 1))
    require(_same(here, again), "the same draw gives another sample: draw from the seed that parts gets alone")
    seeds = [one["data_samples"]["seed"] for one in (here, later)]
    require(seeds[0] != seeds[1], "another epoch has the same seed: leave __getitem__ as it is")


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    pairs = [(a["inputs"].get(key), b["inputs"].get(key)) for key in {*a["inputs"], *b["inputs"]}]
    equal = all(x is not None and y is not None and torch.equal(x, y) for x, y in pairs)
    return bool(equal and a["data_samples"] == b["data_samples"])


CONTRACT = Contract(
    DATASETS,
    (ImageDataset, Dataset),
    (check_samples, check_labels, check_names, check_order, check_draws),
    offers=lambda: {"seed": 0},
    cases={
        "Digits": [{}, {"split": "held_out"}],
        "Mixture": [{"datasets": [{"type": "Digits"}, {"type": "Scenes"}], "weights": [1, 2]}],
    },
    unchecked="what it reads is checked on the files that its keys name (--option data_root=FOLDER), and on the first",
)
