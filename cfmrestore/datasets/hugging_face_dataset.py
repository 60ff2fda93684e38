"""Dataset of photographs in a column of a Hugging Face dataset, on disk or of the hub."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.base import SourceError
from cfmrestore.datasets.draws import Order
from cfmrestore.datasets.photographs import Photographs
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.ops.permutation import Permutation
from cfmrestore.registry import DATASETS
from cfmrestore.repository import named_repository

_SAVED = ("state.json", "dataset_dict.json")


@DATASETS.register_module()
class HuggingFaceDataset(Photographs):
    """A column of images of what the package ``datasets`` reads; the files in it are decoded here, as all others are.

    Needs the package (extra ``datasets``). It reads by memory map, each image by its number, and runs no code of a
    repository. The order of an epoch is a permutation that is computed (``Permutation``), so that nothing of it is
    stored. The name of an image is its number.

    Args:
        path: A folder that ``save_to_disk`` wrote, a folder of Parquet files or of images, or a dataset of the hub,
            ``org/name``.
        column: The column of images.
        split: "train" or any other; "train[:1000]" is a part, but of a saved folder. Without, the only one there is.
        subset: Where a dataset has several: which.
        revision: Of the hub: a branch, a tag or a commit, which alone is always the same.
        label: A column of classes (``ClassLabel``), whose names come with it.
        cache_dir: To which ``datasets`` writes what it prepares; by default HF_DATASETS_CACHE.
        degradation: As of ``Photographs``.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``.
    """

    computes_order = True

    def __init__(
        self,
        *,
        path: str,
        column: str = "image",
        split: str | None = None,
        subset: str | None = None,
        revision: str | None = None,
        label: str | None = None,
        cache_dir: str | None = None,
        degradation: list[dict[str, Any]] | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(
            degradation=degradation, pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images
        )
        try:
            import datasets
        except ImportError:
            raise ValueError(
                "HuggingFaceDataset needs the package datasets: pip install 'cfmrestore[datasets]'"
            ) from None
        table = _loaded(path, split, subset, revision, cache_dir)
        images = [name for name, feature in table.features.items() if _is_image(feature)]
        if column not in images:
            raise ValueError(f"{path!r} has no column {column!r} of images; of images it has {images}")
        self.images = table.select_columns([column]).cast_column(column, datasets.Image(decode=False))
        self.column, self.label_column, self.labels = column, label, None
        if label is not None:
            feature = table.features.get(label)
            if not isinstance(feature, datasets.ClassLabel):
                raise ValueError(f"{path!r} has no column {label!r} of classes, but {sorted(table.features)}")
            self.labels = table.select_columns([label])
            self.metainfo = {"classes": tuple(feature.names)}
        caches = [cache_dir or datasets.config.HF_DATASETS_CACHE, datasets.config.HF_CACHE_HOME]
        self.roots = [Path(path).resolve(), *map(_normal, (path, *caches))]

    def __len__(self) -> int:
        return len(self.images)

    def name(self, index: int) -> str:
        return f"{index:08d}"

    def parts(self, index: int, seed: int) -> Sample:
        del seed
        image = self.images[index][self.column]
        if image is None:
            raise ValueError("it has no image")
        return {"high": self._read(self._file(image["path"]) if image["bytes"] is None else image["bytes"])}

    def _file(self, name: str) -> Path:
        """A file that the table names, if it belongs to the dataset."""
        path = _normal(name)
        if not any(path.is_relative_to(root) for root in self.roots):
            raise ValueError(f"its table names the file {name!r}, which is not the dataset's")
        return path

    def label(self, index: int) -> int | None:
        if self.labels is None:
            return None
        label = self.labels[index][self.label_column]
        if label is None or label < 0:
            raise ValueError(f"image {index} has no class: leave such out, or give no label")
        return int(label)

    def order(self, seed: int) -> Order:
        return Permutation(len(self), seed)


def _normal(path: str | Path) -> Path:
    """Absolute and without "..", symbolic links as they are."""
    return Path(os.path.normpath(Path(path).absolute()))


def _is_image(feature: Any) -> bool:
    """Image files in a column, whether or not its type says so."""
    import datasets

    if isinstance(feature, dict):
        return "bytes" in feature
    return isinstance(feature, datasets.Image) or getattr(feature, "dtype", "") in ("binary", "large_binary")


def _loaded(path: str, split: str | None, subset: str | None, revision: str | None, cache_dir: str | None) -> Any:
    """The table of one split."""
    import datasets

    saved = any(Path(path, name).is_file() for name in _SAVED)
    repository = None if Path(path).is_dir() else named_repository(path, revision)
    if repository is None and not Path(path).is_dir():
        raise ValueError(f"there is no folder {path!r}, nor is that a name of the hub, org/name")
    if repository is None and revision is not None:
        raise ValueError(f"{path!r} is a folder, of which there are no revisions; got {revision=}")
    if repository is not None and split is None:
        raise ValueError(f"{repository} is of the hub: name the split that is to be fetched, split='train'")
    try:
        if saved:
            found = datasets.load_from_disk(path)
        else:
            name, version = (path, None) if repository is None else repository
            found = datasets.load_dataset(name, subset, split=split, revision=version, cache_dir=cache_dir)
    except Exception as error:  # of the package, of Arrow, of the hub and of the network: nothing in common
        why = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"cannot load the dataset {str(repository or path)!r}: {why}") from error
    if isinstance(found, datasets.DatasetDict):
        splits = sorted(found)
        chosen = splits[0] if split is None and len(splits) == 1 else split
        if chosen not in found:
            raise ValueError(f"{path!r} has the splits {', '.join(splits)}: name one; got {split!r}")
        found = found[chosen]
    elif saved and split is not None and split != str(found.split):
        raise ValueError(f"{path!r} is the split {found.split}, and no other; got {split!r}")
    return found
