"""Dataset of latents that were encoded once: moments of targets and inputs, read by memory map."""

from collections import OrderedDict
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.draws import Order
from cfmrestore.datasets.latent_cache.block_order import BucketOrder, ShardOrder
from cfmrestore.datasets.latent_cache.shards import HIGH, LABEL, LIFTED, LOW, Shard, ShardEntry, read_index
from cfmrestore.ops.rng import key_of, mix
from cfmrestore.registry import DATASETS

_OPEN = 64  # shards at once


@DATASETS.register_module()
class CachedLatents(ImageDataset):
    r"""What an encoder says of photographs and of their inputs, as ``cfmrestore cache`` writes it.

    A latent is drawn from its moments when it is used, with the image's own seed. Version v of V of an image is, in
    epoch e, what a folder of images would give in epoch :math:`e V + v`: the same seed, and for e = 0 and the seed with
    which the cache was made the same crop and the same degradation; so the same losses.

    The order of an epoch is that of ``ShardOrder``: a function of seed, epoch and place, of which nothing is stored.
    ``inputs`` of a sample holds "high_moments", what there is of "lifted_moments" and "low_moments", and "label".

    Args:
        data_root: The folder.
        window: So many entries are shuffled among each other, of shards that are read at the same time.
        group: Where the cache holds several sizes: how many entries that follow each other are of one, the batch size
            times the number of ranks.
        seed, on_error: As of ``ImageDataset``.
    """

    computes_order = True

    def __init__(
        self,
        *,
        data_root: str,
        window: int = 8192,
        group: int | None = None,
        seed: int = 0,
        on_error: str = "raise",
    ) -> None:
        super().__init__(seed=seed, on_error=on_error)
        self.root, self.window, self.group = Path(data_root), window, group
        if window < 1 or (group is not None and group < 1):
            raise ValueError(f"window and group are 1 or more; got {window} and {group}")
        self.index = read_index(self.root)
        self.shards = sorted(self.index.shards, key=lambda one: (one.size, one.version, one.file))
        self._check_files()
        self.first = [0, *accumulate(shard.count for shard in self.shards)]
        self._begins = np.array(self.first)
        sizes = sorted({shard.size for shard in self.shards})
        self.buckets = [[shard.count for shard in self.shards if shard.size == size] for size in sizes]
        if len(sizes) > 1 and group is None:
            listed = ", ".join(f"{height}x{width}" for height, width in sizes[:4])
            raise ValueError(
                f"{data_root!r} holds targets of {len(sizes)} sizes ({listed} ...): give group, the batch size times "
                "the number of ranks, so that a batch is of one"
            )
        if group is not None and all(sum(bucket) < group for bucket in self.buckets):
            raise ValueError(f"{data_root!r} holds less than group={group} entries of every size: lower it")
        self.metainfo = {"encoder": self.index.recipe["flow"]["encoder"]}
        if classes := self.index.recipe["data"].get("classes"):
            self.metainfo["classes"] = classes
        self._open: OrderedDict[int, Shard] = OrderedDict()

    def _check_files(self) -> None:
        missing = [one.file for one in self.shards if not (self.root / one.file).is_file()]
        if missing or not self.shards:
            raise ValueError(
                f"{str(self.root)!r} lacks {len(missing)} of its {len(self.shards)} shards, such as "
                f"{missing[0] if missing else 'any'}: run 'cfmrestore cache' again, which makes up for them"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Without the mappings, which belong to a process."""
        return {**self.__dict__, "_open": OrderedDict()}

    def __len__(self) -> int:
        return self.first[-1]

    def _shard(self, number: int) -> Shard:
        """An open shard; the one that was not used for longest is closed."""
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        entry = self.shards[number]
        shard = Shard(self.root / entry.file)
        self._check_shard(shard, entry)
        self._open[number] = shard
        if len(self._open) > _OPEN:
            self._open.popitem(last=False)[1].close()
        return shard

    def _check_shard(self, shard: Shard, entry: ShardEntry) -> None:
        if shard.info.digest != self.index.digest:
            raise ValueError(
                f"{shard.path} is of the cache {shard.info.digest}, and its folder's index of {self.index.digest}: "
                "files of two caches are mixed; write each into a folder of its own"
            )
        if (len(shard), shard.info.version, shard.info.size) != (entry.count, entry.version, entry.size):
            raise ValueError(f"{shard.path} is not what the index says of it: run 'cfmrestore cache' again")

    def _place(self, index: int) -> tuple[int, int]:
        """Which shard, and which entry there."""
        number = int(np.searchsorted(self._begins, index, side="right")) - 1
        return number, index - self.first[number]

    def image(self, index: int) -> str:
        """The name of the image of which an entry was made."""
        number, row = self._place(index)
        return self._shard(number).info.images[row]

    def name(self, index: int) -> str:
        return f"{self.image(index)}:{self.shards[self._place(index)[0]].version}"

    def seed_of(self, index: int, epoch: int) -> int:
        version = self.shards[self._place(index)[0]].version
        return mix(self.seed, epoch * self.index.versions + version, key_of(self.image(index)))

    def label(self, index: int) -> int | None:
        number, row = self._place(index)
        shard = self._shard(number)
        return int(shard.row(row, (LABEL,))[LABEL]) if LABEL in shard.tensors else None

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        del seed  # the flow draws
        number, row = self._place(index)
        sample = self._shard(number).row(row)
        if not all(bool(torch.isfinite(values).all()) for values in sample.values()):
            raise ValueError("the moments hold numbers that are not finite")
        return sample

    def order(self, seed: int) -> Order:
        if self.group is not None and len(self.buckets) > 1:
            return BucketOrder(self.buckets, seed, self.window, self.group)
        return ShardOrder(self.buckets[0], seed, self.window)

    def check_flow(self, flow: Any) -> None:
        """Refuse a flow with another encoder, another way to enlarge inputs, or another degradation."""
        if pictures := [type(loss).__name__ for loss in flow.losses if loss.needs_target]:
            raise ValueError(
                f"the loss {pictures[0]} compares pictures, and {str(self.root)!r} holds latents: leave it out of "
                "model.loss, or train from images"
            )
        made, wanted = dict(self.index.recipe["flow"]), flow.data_recipe()
        parts = made.pop("parts")
        needed = wanted.pop("input")
        part = HIGH if needed is None else LOW if needed == "low" else LIFTED
        if parts.get(part) != (needed or "high"):
            raise ValueError(
                f"the flow starts at inputs that are encoded as {needed!r}, and {str(self.root)!r} holds "
                f"{sorted(parts.values())}: set model.coupling.upsample as in the config of the cache, or write one "
                "for this flow with 'cfmrestore cache'"
            )
        if other := [key for key in wanted if made.get(key) != wanted[key]]:
            key = other[0]
            raise ValueError(
                f"{str(self.root)!r} is a cache of another {' and another '.join(other)} than the flow's: its {key} is "
                f"{made.get(key)}, the flow's {wanted[key]}. Train with the config of the cache, or write one for this "
                "flow with 'cfmrestore cache'"
            )
