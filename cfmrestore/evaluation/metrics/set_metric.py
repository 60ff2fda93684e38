"""Metrics of whole sets of images, in the features of a network."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import torch
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import BaseMetric
from torch import Tensor

from cfmrestore.evaluation.metrics.base import Sample, as_file, pictures
from cfmrestore.evaluation.patches import cut_patches, patch_places
from cfmrestore.features import Extractor, SeededNet, inception

Features = dict[str, Tensor]  # of one image by row of the table, or of one row by image


@lru_cache(maxsize=1)
def _extractor(weights: str | None) -> Extractor:
    """One network for all metrics and benchmarks of an evaluation."""
    return SeededNet() if weights == "seeded" else inception(weights)


class SetMetric(BaseMetric):
    """One number a set: the features of restorations, or of what stands beside them, against those of the targets.

    What is kept of the images is added up rank by rank; the last image of a rank, which a sampler may have repeated to
    fill up the ranks, counts if no other rank has seen it.

    Args:
        weights: File with the network's weights, or its folder; without it, torch's cache. "seeded" is a small random
            network, whose numbers mean nothing beside published ones.
        patches: How many patches an image is cut into, restored and target at the same places; 0 takes whole images.
        patch_side: Of a patch, in pixels.
        seed: Of the places.
    """

    default_prefix = ""
    columns: ClassVar[dict[str, bool]]
    """The metric's columns, and whether higher is better there."""
    needs_target: ClassVar[bool] = True
    enough: ClassVar[int] = 2048
    """Images below which the numbers say little."""

    def __init__(self, *, weights: str | None = None, patches: int = 0, patch_side: int = 256, seed: int = 0) -> None:
        super().__init__()
        if patches < 0 or patch_side < 1:
            raise ValueError(f"need patches of 0 or more, and patch_side of 1 or more; got {patches=}, {patch_side=}")
        self.weights, self.patches, self.patch_side, self.seed = weights, patches, patch_side, seed
        self.warning: str | None = None
        self._clear()

    def _clear(self) -> None:
        self.names: list[str] = []
        self.kept: dict[str, Any] = {}
        self.last: Features | None = None

    @property
    def extractor(self) -> Extractor:
        return _extractor(self.weights)

    def prepare(self) -> None:
        """Load the network, so that missing weights show before the first image is restored."""
        self.extractor  # noqa: B018

    @abstractmethod
    def add(self, kept: Any, name: str, features: Tensor) -> Any:
        """What is kept (None at first), with the features of one more image."""

    @abstractmethod
    def merge(self, kept: Any, other: Any) -> Any:
        """What two ranks kept."""

    @abstractmethod
    def compare(self, target: Any, row: Any) -> dict[str, float]:
        """The numbers of a row, by column."""

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        del data_batch
        for sample in data_samples:
            self._settle(self.names[-1:], self.last)
            images = pictures(sample)
            if self.needs_target and "target" not in images:
                raise ValueError(f"{type(self).__name__} needs targets, and {sample.get('name')!r} has none")
            self.names.append(sample.get("name", str(len(self.names))))
            self.last = {kind: self._features(image, self.names[-1]) for kind, image in images.items()}

    @torch.no_grad()
    def _features(self, image: Tensor, name: str) -> Tensor:
        whole = as_file(image)
        if not self.patches:
            return self.extractor(whole[None])
        size = (image.shape[-2], image.shape[-1])
        places = patch_places(self.seed, name, size, self.patch_side, self.patches)
        return self.extractor(cut_patches(whole, places, self.patch_side))

    def _settle(self, names: Sequence[str], features: Features | None) -> None:
        for kind, own in (features or {}).items():
            self.kept[kind] = self.add(self.kept.get(kind), names[-1], own)

    def evaluate(self, size: int) -> dict[str, float]:
        del size
        numbers = self.compute_metrics(all_gather_object((self.names, self.kept, self.last)))
        self._clear()
        return numbers if is_main_process() else {}

    def compute_metrics(self, parts: list[Any]) -> dict[str, float]:
        """The numbers of what all ranks kept."""
        seen = [name for names, _, _ in parts for name in names[:-1]]
        self._clear()
        for names, kept, last in parts:
            for kind, own in kept.items():
                self.kept[kind] = self.merge(self.kept[kind], own) if kind in self.kept else own
            if names and names[-1] not in seen:
                seen.append(names[-1])
                self._settle(names, last)
        if len(seen) < self.enough:
            name = type(self).__name__
            self.warning = f"{name} of {len(seen)} images says little: it wants {self.enough} or more"
        target = self.kept.get("target")
        return _flat({kind: self.compare(target, own) for kind, own in self.kept.items() if kind != "target"})


def _flat(rows: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        column if row == "restored" else f"{row}/{column}": value
        for row, numbers in rows.items()
        for column, value in numbers.items()
    }


class StackedSetMetric(SetMetric):
    """Keeps the features themselves, by the images' names: in their order whatever the ranks."""

    @abstractmethod
    def compare_features(self, target: Tensor | None, row: Tensor) -> dict[str, float]:
        """The numbers of a row, by column."""

    def add(self, kept: Features | None, name: str, features: Tensor) -> Features:
        kept = {} if kept is None else kept
        kept[name] = features.cpu()
        return kept

    def merge(self, kept: Features, other: Features) -> Features:
        return {**kept, **other}

    def compare(self, target: Features | None, row: Features) -> dict[str, float]:
        return self.compare_features(None if target is None else _stacked(target), _stacked(row))


def _stacked(kept: Features) -> Tensor:
    return torch.cat([kept[name] for name in sorted(kept)])
