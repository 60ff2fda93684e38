"""Metrics of whole sets of images, in the features of a network."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from torch import Tensor

from cfmrestore.evaluation.metrics.base import MeasuredSample, Metric, as_file, pictures, size_of
from cfmrestore.evaluation.patches import cut_patches, patch_places
from cfmrestore.evaluation.scores import Score, Scores
from cfmrestore.features import Extractor, SeededNet, inception


@lru_cache(maxsize=1)
def _extractor(weights: str | None) -> Extractor:
    """One network for all metrics and benchmarks of an evaluation."""
    return SeededNet() if weights == "seeded" else inception(weights)


class SetMetric(Metric):
    """One number a set: the features of restorations, or of what stands beside them, against those of the targets.

    What is kept of the images is added up rank by rank; the last image of a rank, which a sampler may have repeated to
    fill up the ranks, counts if no other rank has seen it.

    Args:
        weights: File with the network's weights, or its folder; without it, torch's cache. "seeded" is a small random
            network, whose numbers mean nothing beside published ones.
        patches: How many patches an image is cut into, restored and target at the same places; 0 takes whole images.
        patch_side: Side of a patch, in pixels.
        seed: Seed of the places.
    """

    columns: ClassVar[dict[str, bool]]
    needs_target = True
    min_features: ClassVar[int] = 2
    """Features below which there is no number."""
    enough: ClassVar[int] = 2048
    """Images below which the numbers say little."""

    def __init__(self, *, weights: str | None = None, patches: int = 0, patch_side: int = 256, seed: int = 0) -> None:
        super().__init__()
        if patches < 0 or patch_side < 1:
            raise ValueError(f"need patches of 0 or more, and patch_side of 1 or more; got {patches=}, {patch_side=}")
        self.weights, self.patches, self.patch_side, self.seed = weights, patches, patch_side, seed
        self._clear()

    def _clear(self) -> None:
        self.names: list[str] = []
        self.statistics: dict[str, Any] = {}
        self.last: dict[str, Tensor] = {}  # the features of an image, by row of the table

    @property
    def extractor(self) -> Extractor:
        return _extractor(self.weights)

    def prepare(self, num_images: int) -> None:
        features = max(self.patches, 1)
        if num_images * features < self.min_features:
            needed = -(-self.min_features // features)
            raise ValueError(f"{type(self).__name__} needs {needed} images or more; the set has {num_images}")
        self.extractor  # noqa: B018 - missing weights show before the first image is restored

    def add(self, statistics: Any, name: str, features: Tensor) -> Any:
        """The statistics (None at first) with the features of one more image; here they are kept."""
        statistics = {} if statistics is None else statistics
        statistics[name] = features.cpu()
        return statistics

    def merge(self, statistics: Any, other: Any) -> Any:
        """The statistics of two ranks."""
        return {**statistics, **other}

    def finish(self, statistics: Any) -> Any:
        """What is compared; here the features, in the order of the images' names, whatever the ranks."""
        return torch.cat([statistics[name] for name in sorted(statistics)])

    @abstractmethod
    def compare(self, target: Any, row: Any) -> Sequence[float]:
        """The numbers of a row, in the order of the columns; the target is None where there are no targets."""

    def process(self, data_batch: Any, data_samples: Sequence[MeasuredSample]) -> None:
        del data_batch
        for sample in data_samples:
            self._add(self.names[-1:], self.last)
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
        places = patch_places(self.seed, name, size_of(image), self.patch_side, self.patches)
        return self.extractor(cut_patches(whole, places, self.patch_side))

    def _add(self, names: Sequence[str], features: dict[str, Tensor]) -> None:
        for kind, new in features.items():
            self.statistics[kind] = self.add(self.statistics.get(kind), names[-1], new)

    def evaluate(self, size: int) -> Scores:
        del size
        parts = all_gather_object((self.names, self.statistics, self.last))
        scores = [self.compute_metrics(parts) if is_main_process() else None]
        broadcast_object_list(scores)
        self._clear()
        assert scores[0] is not None
        return scores[0]

    def compute_metrics(self, parts: list[Any]) -> Scores:
        """The numbers of what all ranks gathered."""
        seen = [name for names, _, _ in parts for name in names[:-1]]
        self._clear()
        for names, statistics, last in parts:
            for kind, part in statistics.items():
                self.statistics[kind] = self.merge(self.statistics[kind], part) if kind in self.statistics else part
            if names and names[-1] not in seen:
                seen.append(names[-1])
                self._add(names, last)
        few = f"{type(self).__name__} of {len(seen)} images says little: it wants {self.enough} or more"
        finished = {kind: self.finish(statistics) for kind, statistics in self.statistics.items()}
        target = finished.pop("target", None)
        rows = {
            kind: dict(zip(self.columns, map(Score, self.compare(target, row)), strict=True))
            for kind, row in finished.items()
        }
        return Scores(rows, self.columns, [few] if len(seen) < self.enough else [])
