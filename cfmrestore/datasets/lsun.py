"""LSUN: a category as it is distributed, an LMDB of encoded images."""

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class LSUN(ImageDataset):
    """``church_outdoor_train_lmdb``, ``bedroom_train_lmdb`` and so on: values are image files, keys their names.

    The keys are read once, in their order, which is sorted. Every process opens the file for itself, for reading and
    without a lock. Needs the package ``lmdb`` (extra ``lmdb``).

    Reference: Yu et al., 2015, LSUN (arXiv:1506.03365).

    Args:
        data_root: The folder with ``data.mdb``.
        max_images: Only so many, the first; LFM takes 120,000 of church and bedroom.
        pipeline: Transforms.
        seed: The run's seed; the runner gives it.
        on_error: "raise" or "skip" an unreadable image.
        cache_images: How many decoded images a worker keeps in memory.
    """

    def __init__(
        self,
        *,
        data_root: str,
        max_images: int | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        if max_images is not None and max_images < 1:
            raise ValueError(f"max_images must be 1 or more, or None for all; got {max_images}")
        self.folder = str(Path(data_root).resolve())
        if not Path(data_root, "data.mdb").is_file():
            raise ValueError(
                f"{data_root!r} is no LMDB of LSUN: it has no file 'data.mdb'; unpack the category's zip file"
            )
        with _environment(self.folder).begin() as transaction:
            keys = islice(transaction.cursor().iternext(keys=True, values=False), max_images)
            self.keys = np.array(list(keys), dtype=np.bytes_)  # a third of the memory of as many objects
        if not len(self.keys):
            raise ValueError(f"the LMDB {data_root!r} holds no images")

    def __len__(self) -> int:
        return len(self.keys)

    def name(self, index: int) -> str:
        return bytes(self.keys[index]).decode("utf-8", "backslashreplace")

    def parts(self, index: int, seed: int) -> Sample:
        del seed
        with _environment(self.folder).begin() as transaction:
            data = transaction.get(bytes(self.keys[index]))
        return {"high": self._read(data)}


_opened: dict[str, tuple[int, Any]] = {}  # by folder, with the process that opened it


def _environment(folder: str) -> Any:
    """The file, opened once in a process: what LMDB holds of it must not be used across a fork."""
    try:
        import lmdb
    except ImportError:
        raise ValueError("LSUN needs the package lmdb: pip install 'cfmrestore[lmdb]'") from None
    process, environment = _opened.get(folder, (0, None))
    if process != os.getpid():
        if environment is not None:
            environment.close()  # the parent's: this process knows it as open
        try:
            environment = lmdb.open(folder, readonly=True, lock=False, readahead=False, meminit=False)
        except lmdb.Error as error:
            raise ValueError(f"cannot open the LMDB {folder!r}: {error}") from error
        _opened[folder] = (os.getpid(), environment)
    return environment
