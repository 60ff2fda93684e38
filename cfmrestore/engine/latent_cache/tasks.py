"""Tasks of a cache of latents: each encodes some images into its own shards, whoever runs it and however often."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cfmrestore.datasets.latent_cache.shards import (
    INDEX,
    SUFFIX,
    CacheIndex,
    ShardEntry,
    ShardInfo,
    digest_of,
    pack_shard,
)
from cfmrestore.engine.jobs import TimeLeft, run_jobs
from cfmrestore.engine.latent_cache.source import CacheSource, Entry
from cfmrestore.imageio.atomic import atomic, write_text

_RECIPE = "recipe.json"
_DONE = ".done"


@dataclass(frozen=True)
class CacheTask:
    """One version of consecutive images."""

    version: int
    number: int
    images: range

    def __str__(self) -> str:
        return f"{self.version:04d}-{self.number:06d}"


class CacheWriter:
    """The folder of a cache, and what is still to be done there.

    A task ends with a small file in a hidden folder, by which it is not done again. Its shards depend on nothing but
    itself, so that tasks may run anywhere and again; the index is written by whoever sees all tasks done.

    Args:
        source: What is encoded.
        folder: Of the cache.
        versions: Crops of an image times degradations of a crop; a finished cache can be given more.
        shard: Images of a task.
        batch: Images that are encoded together.
        workers: Processes that read images.
    """

    def __init__(
        self, source: CacheSource, folder: Path, *, versions: int, shard: int = 1024, batch: int = 16, workers: int = 0
    ) -> None:
        if min(versions, shard, batch) < 1:
            raise ValueError(f"crops, shard and batch are 1 or more; got {versions}, {shard}, {batch}")
        self.source, self.folder, self.batch, self.workers = source, folder, batch, workers
        self.versions = versions
        self.recipe = {**source.recipe, "shard": shard, "batch": batch}
        self.digest = digest_of(self.recipe)
        count = len(source.images)
        parts = [range(first, min(first + shard, count)) for first in range(0, count, shard)]
        self.tasks = [CacheTask(v, number, part) for v in range(versions) for number, part in enumerate(parts)]

    def claim(self) -> None:
        """Say what the folder is for; refuse one that holds a cache of another recipe."""
        path = self.folder / _RECIPE
        if path.is_file() and any((self.folder / _DONE).glob("*.json")):
            held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if held != self.recipe:
                names = (*self.recipe["flow"], *self.recipe["data"], *self.recipe)
                flat = [{**one["flow"], **one["data"], **one} for one in (held, self.recipe)]
                other = [n for n in names if n not in ("flow", "data") and flat[0].get(n) != flat[1].get(n)]
                raise ValueError(
                    f"{str(self.folder)!r} holds a cache that was made otherwise ({', '.join(other)} differ): write "
                    "into another folder, or remove it"
                )
            return
        write_text(path, json.dumps(self.recipe, indent=1, sort_keys=True) + "\n")

    def run(self, part: tuple[int, int]) -> int:
        """Do a share of what is to be done, (i, n) every n-th task from the i-th on; how many entries that were."""
        share = self.tasks[part[0] :: part[1]]
        todo = [task for task in share if self.shards_of(task) is None]
        clock = TimeLeft([float(len(task.images)) for task in todo])
        return sum(run_jobs(partial(self._do, clock), todo, progress=clock))

    def finish(self) -> int:
        """Write the index where all tasks are done; how many are not."""
        found = [self.shards_of(task) for task in self.tasks]
        if missing := sum(one is None for one in found):
            return missing
        shards = tuple(shard for one in found for shard in one or ())
        index = CacheIndex(self.recipe, self.versions, shards)
        path = self.folder / INDEX
        if not path.is_file() or path.read_text(encoding="utf-8") != index.text():
            write_text(path, index.text())
        self._sweep()
        return 0

    def _sweep(self) -> None:
        """Remove what killed processes left; a young index may be that of another that sees all tasks done just now."""
        ages = {f".*{SUFFIX}.*.tmp": 0, f".{_RECIPE}.*.tmp": 0, f"{_DONE}/.*.tmp": 0, f".{INDEX}.*.tmp": 60}
        for pattern, age in ages.items():
            for unfinished in self.folder.glob(pattern):
                with suppress(FileNotFoundError):  # finished meanwhile
                    if time.time() - unfinished.stat().st_mtime >= age:
                        unfinished.unlink()

    def shards_of(self, task: CacheTask) -> list[ShardEntry] | None:
        """The shards of a task that is done."""
        try:
            lines = json.loads(self._record(task).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        shards = [ShardEntry(**{**line, "size": tuple(line["size"])}) for line in lines]
        return shards if all((self.folder / one.file).is_file() for one in shards) else None

    def _record(self, task: CacheTask) -> Path:
        return self.folder / _DONE / f"{task}.json"

    def _do(self, clock: TimeLeft, task: CacheTask) -> int:
        buckets: dict[tuple[int, int], _Bucket] = {}
        for number, entry in enumerate(self._read(task)):
            if entry is not None:
                buckets.setdefault(entry.size, _Bucket(self.source, self.batch)).add(entry)
            clock.update(number / len(task.images))
        shards = []
        for size, bucket in sorted(buckets.items()):
            tensors = bucket.tensors()
            file = f"{task}-{size[0]}x{size[1]}{SUFFIX}"
            info = ShardInfo(self.digest, task.version, tuple(bucket.images), size)
            with atomic(self.folder / file) as unfinished:
                unfinished.write_bytes(pack_shard(tensors, info))
            shards.append(ShardEntry(file, task.version, size, len(bucket.images)))
        write_text(self._record(task), json.dumps([asdict(one) for one in shards]) + "\n")
        return sum(one.count for one in shards)

    def _read(self, task: CacheTask) -> Iterator[Entry | None]:
        entries = _Entries(self.source, task)
        return iter(DataLoader(entries, batch_size=None, num_workers=self.workers, collate_fn=_as_it_is))


class _Bucket:
    """Entries of one size, encoded a batch at a time."""

    def __init__(self, source: CacheSource, batch: int) -> None:
        self.source, self.batch = source, batch
        self.images: list[str] = []
        self._waiting: list[Entry] = []
        self._done: list[dict[str, Tensor]] = []

    def add(self, entry: Entry) -> None:
        self.images.append(entry.image)
        self._waiting.append(entry)
        if len(self._waiting) == self.batch:
            self._encode()

    def _encode(self) -> None:
        self._done.append(self.source.encode(self._waiting))
        self._waiting = []

    def tensors(self) -> dict[str, Tensor]:
        """All of them, a row an entry."""
        if self._waiting:
            self._encode()
        return {name: torch.cat([one[name] for one in self._done]) for name in self._done[0]}


class _Entries(Dataset[Entry | None]):
    """The entries of a task, for processes that read them ahead."""

    def __init__(self, source: CacheSource, task: CacheTask) -> None:
        self.source, self.task = source, task

    def __len__(self) -> int:
        return len(self.task.images)

    def __getitem__(self, number: int) -> Entry | None:
        return self.source.entry(self.task.images[number], self.task.version)


def _as_it_is(entry: Any) -> Any:
    return entry
