"""Dataset of photographs in tar shards, here or on a server, read at random."""

import os
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from cfmrestore.datasets.base import SourceError
from cfmrestore.datasets.draws import Order
from cfmrestore.datasets.latent_cache.block_order import ShardOrder
from cfmrestore.datasets.photographs import Photographs
from cfmrestore.datasets.tar_shards.braces import expand_braces
from cfmrestore.datasets.tar_shards.remote import ShardCache, is_url
from cfmrestore.datasets.tar_shards.shards import TarShards
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import DATASETS


@DATASETS.register_module()
class WebDataset(Photographs):
    """Tar shards as WebDataset writes them: of each sample the file ``KEY.jpg``, ``.jpeg``, ``.png`` or ``.webp``.

    Where each image lies in its shard is found once, and kept as a table beside the shard (``photos-000000.tar.index``)
    or in ``cache_dir``; so images are read one by one, in the order of ``ShardOrder``: a function of seed, epoch and
    place, of which nothing is stored. A shard by URL is fetched whole when the first of its images is due; its table
    is taken from beside it, where there is one, or else the shard is fetched at the start to be counted. Tar files are
    never unpacked.

    The name of an image is that of its shard and its key, so that shards of one dataset need names of their own.

    Args:
        shards: Paths or URLs (http, https) in brace notation, ``data/photos-{000000..000099}.tar``; one or several.
        cache_dir: Folder of fetched shards, and of tables that cannot be beside theirs; processes may share it. By
            default ``cfmrestore/shards`` in XDG_CACHE_HOME or ``~/.cache``.
        cache_gb: How many 10^9 bytes of fetched shards are kept, about; those that were not opened for longest go. The
            shards of two windows must fit; in a ``Mixture`` of four should.
        window: So many images are shuffled among each other, of shards that are read at the same time; W of
            ``ShardOrder``.
        degradation: As of ``Photographs``.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``. A shard that is missing, damaged or out of
            reach ends a run, whatever ``on_error``.
    """

    computes_order = True
    reads_in_windows = True

    def __init__(
        self,
        *,
        shards: str | Sequence[str],
        cache_dir: str | None = None,
        cache_gb: float = 50.0,
        window: int = 8192,
        degradation: list[dict[str, Any]] | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(
            degradation=degradation, pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images
        )
        if window < 1 or not cache_gb > 0:
            raise ValueError(f"window is 1 or more, cache_gb more than 0; got {window} and {cache_gb}")
        self.window = window
        urls = [url for one in ([shards] if isinstance(shards, str) else shards) for url in expand_braces(one)]
        self.shards = TarShards(urls, ShardCache(_folder(cache_dir), int(cache_gb * 1e9)))
        self.stems = [_stem(url) for url in urls]
        twice = [stem for stem, count in Counter(self.stems).items() if count > 1]
        if twice or not urls:
            raise ValueError(
                f"WebDataset takes shards with names of their own; of {len(urls)} several are named {twice[:1]}: put "
                "datasets together by Mixture"
            )
        heads = [self.shards.head(number) for number in range(len(urls))]
        self.counts = [head.count for head in heads]
        self._check_cache([head.size for head, url in zip(heads, urls, strict=True) if is_url(url)], cache_gb)
        self.first = [0, *accumulate(self.counts)]
        self._begins = np.array(self.first)

    def _check_cache(self, sizes: Sequence[int], cache_gb: float) -> None:
        """Refuse to fetch the same shards over and over: those of two windows, the present and the next, are to fit."""
        needed = min(sum(sizes), 2 * self.window * sum(sizes) / max(sum(self.counts), 1)) / 1e9
        if cache_gb < needed:
            raise ValueError(
                f"cache_gb={cache_gb} holds less than the shards of two windows of {self.window} images, "
                f"{needed:.3g}: raise it, or lower window"
            )

    def __len__(self) -> int:
        return self.first[-1]

    def _place(self, index: int) -> tuple[int, int]:
        """Which shard, and which image there."""
        number = int(np.searchsorted(self._begins, index, side="right")) - 1
        return number, index - self.first[number]

    def name(self, index: int) -> str:
        number, row = self._place(index)
        keys = self.shards.table(number).keys
        if len(keys) != self.counts[number]:
            raise SourceError(f"the shard {self.stems[number]} has changed while it was read: start again")
        return f"{self.stems[number]}/{keys[row]}"

    def parts(self, index: int, seed: int) -> Sample:
        del seed
        return {"high": self._read(self.shards.read(*self._place(index)))}

    def order(self, seed: int) -> Order:
        return ShardOrder(self.counts, seed, self.window)

    def order_of_draws(self, count: int, seed: int) -> Order:
        """Runs of draws as long as a shard, which lie in two shards at most, take the place of shards."""
        run = -(-len(self) // len(self.counts))
        runs = [min(run, count - begin) for begin in range(0, count, run)]
        return ShardOrder(runs, seed, self.window)


def _stem(shard: str) -> str:
    """The name of a shard's file."""
    path = urlsplit(shard).path if is_url(shard) else Path(shard).as_posix()
    return path.rpartition("/")[2].removesuffix(".tar")


def _folder(cache_dir: str | None) -> Path:
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cfmrestore" / "shards"
