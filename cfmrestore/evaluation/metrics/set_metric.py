"""Metrics of whole sets of images, in the features of a network."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from torch import Tensor

from cfmrestore.evaluation.functional.half_sampling import half_sample_intervals
from cfmrestore.evaluation.metrics.base import MeasuredSample, Metric, pictures
from cfmrestore.evaluation.metrics.feature_space import INCEPTION, FeatureSpace
from cfmrestore.evaluation.metrics.real_pictures import RealPictures
from cfmrestore.evaluation.metrics.reference import ReferenceSet, read_reference
from cfmrestore.evaluation.scores import Score, Scores
from cfmrestore.features import Extractor


class SetMetric(Metric):
    """One number a set: the features of restorations, or of what stands beside them, against those of the targets.

    With a reference, against those of other pictures, in any number: pictures that were generated need no targets.

    What is kept of the images is added up rank by rank; the last image of a rank, which a sampler may have repeated to
    fill up the ranks, counts if no other rank has seen it.

    Args:
        features: The feature extractor: ``InceptionV3``, ``EfficientNetLite``, or another of the registry.
        weights: File with the network's weights, or its folder; without it, where they usually lie (torch's cache, or a
            package). "seeded" is a small random network, whose numbers mean nothing beside published ones.
        patches: How many patches an image is cut into, restored and target at the same places; 0 takes whole images.
        patch_side: Side of a patch, in pixels.
        seed: Seed of the places.
        reference: File with the statistics of the pictures to compare with, in place of targets.
        min_images: Fewest images that are measured; by default as many as there must be for a number.
        baseline: Config of a dataset of real pictures, such as those of training. Independent draws of as many, of the
            same classes, get a row "real": what the numbers are of a generator that is as good as real.
        interval: Confidence level of an interval of each number over images, whose ends get columns; 0 is none.
    """

    measures: ClassVar[dict[str, bool]]
    """Names of its numbers in Inception's features, and whether higher is better."""
    needs_target = True
    takes_reference: ClassVar[bool] = True
    min_features: ClassVar[int] = 2
    """Features below which there is no number."""
    enough: ClassVar[int] = 2048
    """Images below which the numbers say little."""
    default_patches: ClassVar[int] = 0
    parts: ClassVar[int] = 1
    """How many successive parts of the images are scored each on its own."""

    def __init__(
        self,
        *,
        features: str = INCEPTION,
        weights: str | None = None,
        patches: int | None = None,
        patch_side: int = 256,
        seed: int = 0,
        reference: str | Path | None = None,
        min_images: int | None = None,
        baseline: dict[str, Any] | None = None,
        interval: float = 0.0,
    ) -> None:
        super().__init__()
        patches = self.default_patches if patches is None else patches
        if self.default_patches and patches < 1:
            raise ValueError(f"{type(self).__name__} needs a patch or more an image; got {patches=}")
        if (reference is not None or baseline is not None) and not self.takes_reference:
            raise ValueError(f"{type(self).__name__} compares with no other pictures: leave reference and baseline out")
        if not 0 <= interval < 1:
            raise ValueError(f"need 0 <= interval < 1; got {interval}")
        self.space = FeatureSpace(features, weights, patches, patch_side, seed)
        self.reference_file, self.min_images, self.interval = reference, min_images, interval
        self.baseline = None if baseline is None else RealPictures(baseline, seed)
        self.needs_target = self.needs_target and reference is None
        self._clear()

    @property
    def columns(self) -> dict[str, bool]:
        ends = ["", " low", " high"] if self.interval else [""]
        return {self.space.title(name) + end: higher for name, higher in self.measures.items() for end in ends}

    @cached_property
    def reference(self) -> ReferenceSet | None:
        """What is compared with, in place of targets."""
        return None if self.reference_file is None else read_reference(self.reference_file)

    def _clear(self) -> None:
        self.names: list[str] = []
        self.seen: set[str] = set()
        self.labels: dict[str, int] = {}
        self.statistics: dict[str, Any] = {}
        self.last: dict[str, Tensor] = {}  # the features of an image, by row of the table

    @property
    def extractor(self) -> Extractor:
        return self.space.extractor

    def prepare(self, num_images: int) -> None:
        features = max(self.space.patches, 1)
        needed = max(-(-self.needed_features() // features), self.min_images or 0)
        if num_images < needed:
            bound = self.needed_features() > self.fewest_features()
            fewer = "; fewer pass with min_images (--min-images)" if bound else ""
            raise ValueError(f"{type(self).__name__} needs {needed} images or more; the set has {num_images}{fewer}")
        self.extractor  # noqa: B018 - missing weights show before the first image is restored
        if self.reference is not None:
            self.reference.check(self.space)
            given = self.of_reference(self.reference)
            if isinstance(given, Tensor) and len(given) < self.fewest_features():
                least = -(-self.fewest_features() // features)
                raise ValueError(
                    f"{type(self).__name__} needs a reference of {least} images or more; {self.reference.source} has "
                    f"{self.reference.num_images}"
                )

    def needed_features(self) -> int:
        """Features below which a set is refused, unless fewer are asked for."""
        return self.fewest_features()

    def fewest_features(self) -> int:
        """Features below which there is no number, or no interval: of halves of two images or more."""
        return self.min_features if not self.interval else max(2 * self.min_features, 4 * max(self.space.patches, 1))

    def of_reference(self, reference: ReferenceSet) -> Any:
        """What ``finish`` gives of the reference; here its features."""
        if reference.features is None:
            raise ValueError(
                f"{reference.source} has no features, which {type(self).__name__} needs: write it with --keep-features"
            )
        return reference.features

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
        """The numbers of a row, in the order of ``measures``; the target is None where there are no targets."""

    def intervals(self, target: Any, row: Any) -> Sequence[tuple[float, float]]:
        """Of each number; what of the two is no set of features is taken as known."""
        known = not isinstance(target, Tensor)
        return half_sample_intervals(
            partial(self.compare, target) if known else self.compare,
            [row] if known else [target, row],
            per_image=max(self.space.patches, 1),
            paired=self.reference is None,
            parts=self.parts,
            level=self.interval,
            seed=self.space.seed,
        )

    def _scores(self, target: Any, row: Any) -> dict[str, Score]:
        """The numbers of a row, each before the ends of its interval, by column."""
        values = [[value] for value in self.compare(target, row)]
        if self.interval:
            values = [[*value, *ends] for value, ends in zip(values, self.intervals(target, row), strict=True)]
        return dict(zip(self.columns, map(Score, chain.from_iterable(values)), strict=True))

    def process(self, data_batch: Any, data_samples: Sequence[MeasuredSample]) -> None:
        del data_batch
        for sample in data_samples:
            name = sample.get("name", str(len(self.names)))
            if name in self.seen:  # in place of one that cannot be read, or to fill a batch
                continue
            self.seen.add(name)
            self._add(self.names[-1:], self.last)
            images = pictures(sample)
            if self.reference is not None:
                images.pop("target", None)
            if self.needs_target and "target" not in images:
                raise ValueError(f"{type(self).__name__} needs targets, and {sample.get('name')!r} has none")
            self.names.append(name)
            if "label" in sample:
                self.labels[self.names[-1]] = int(sample["label"])
            self.last = {kind: self.space.of(image, self.names[-1]) for kind, image in images.items()}

    def _add(self, names: Sequence[str], features: dict[str, Tensor]) -> None:
        for kind, new in features.items():
            self.statistics[kind] = self.add(self.statistics.get(kind), names[-1], new)

    def evaluate(self, size: int) -> Scores:
        del size
        parts = all_gather_object((self.names, self.statistics, self.last, self.labels))
        scores = [self.compute_metrics(parts) if is_main_process() else None]
        broadcast_object_list(scores)
        self._clear()
        assert scores[0] is not None
        return scores[0]

    def compute_metrics(self, parts: list[Any]) -> Scores:
        """The numbers of what all ranks gathered."""
        seen = [name for names, *_ in parts for name in names[:-1]]
        labels: dict[str, int] = {}
        self._clear()
        for names, statistics, last, own in parts:
            labels |= own
            for kind, part in statistics.items():
                self.statistics[kind] = self.merge(self.statistics[kind], part) if kind in self.statistics else part
            if names and names[-1] not in seen:
                seen.append(names[-1])
                self._add(names, last)
        if self.baseline is not None:
            for name, image in self.baseline.draw([labels.get(name) for name in sorted(seen)]):
                self._add([name], {"real": self.space.of(image, name)})
        finished = {kind: self.finish(statistics) for kind, statistics in self.statistics.items()}
        target = finished.pop("target", None) if self.reference is None else self.of_reference(self.reference)
        rows = {kind: self._scores(target, row) for kind, row in finished.items()}
        return Scores(rows, self.columns, list(self._warnings(len(seen))))

    def _warnings(self, num_images: int) -> Iterator[str]:
        name = type(self).__name__
        if num_images < self.enough:
            yield f"{name} of {num_images} images says little: it wants {self.enough} or more"
        if self.reference is not None and self.reference.num_images < self.enough:
            yield f"{name} wants a reference of {self.enough} images or more; it has {self.reference.num_images}"
