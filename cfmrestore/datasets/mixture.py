"""Several datasets as one, each with its share."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from torch.utils.data import Dataset

from cfmrestore.datasets.base import ImageDataset, contents_of
from cfmrestore.datasets.draws import Draw, Order, shuffled
from cfmrestore.ops.permutation import Permutation
from cfmrestore.ops.rng import mix
from cfmrestore.registry import DATASETS


class Interleaved:
    r"""Several orders as one, each in its sequence and spread evenly.

    Of the first p places :math:`\lfloor p\, m_1 / M \rfloor` are of the first order, which has :math:`m_1` of M; the
    others are shared out among the rest in the same way. So the place in its order is known without counting.
    """

    def __init__(self, orders: Sequence[Order]) -> None:
        self.orders = orders
        self.starts = [0, *accumulate(len(order) for order in orders)]

    def __len__(self) -> int:
        return self.starts[-1]

    def __getitem__(self, place: int) -> int:
        left = len(self)
        for order, start in zip(self.orders, self.starts, strict=False):
            before, behind = (at * len(order) // left for at in (place, place + 1))
            if behind > before:
                return start + order[before]
            place, left = place - before, left - len(order)
        raise IndexError(f"{place} is no place")


@DATASETS.register_module()
class Mixture(Dataset[dict[str, Any]]):
    r"""The images of several datasets, of which each has a share of every epoch.

    With shares :math:`w_i / \sum_j w_j` of an epoch as long as all datasets together, :math:`m_i` draws are of dataset
    i, which has :math:`n_i` images. Draw j of epoch e is image :math:`(e\, m_i + j) \bmod n_i`: a large dataset with a
    small share is gone through in several epochs, a small one with a large share several times in one, each time with
    other crops.

    The order of an epoch is a permutation of all draws. Where a dataset reads in windows (``WebDataset``), the draws of
    each dataset are in an order of their own, and follow each other as evenly as the shares allow (``Interleaved``).

    Args:
        datasets: Configs of datasets of one kind of sample: all make their inputs, or all have them.
        weights: Share of each, in any unit; by default the number of its images.
        seed: The run's seed; the runner gives it.
    """

    def __init__(
        self, *, datasets: Sequence[dict[str, Any]], weights: Sequence[float] | None = None, seed: int = 0
    ) -> None:
        if not datasets or (weights is not None and len(weights) != len(datasets)):
            raise ValueError(f"Mixture takes a weight a dataset; got {len(datasets)} datasets and weights {weights}")
        self.datasets: list[ImageDataset] = [DATASETS.build(one, default_args={"seed": seed}) for one in datasets]
        sizes = [len(one) for one in self.datasets]
        shares = [float(size) for size in sizes] if weights is None else [float(weight) for weight in weights]
        if not all(share > 0 for share in shares):
            raise ValueError(f"the weights of Mixture are positive; got {weights}")
        ends = [round(sum(sizes) * end / sum(shares)) for end in accumulate(shares)]
        self.starts = [0, *ends[:-1]]
        self.counts = [end - start for start, end in zip(self.starts, ends, strict=True)]
        self.metainfo: dict[str, Any] = {}
        self.contents = " and ".join(map(contents_of, self.datasets))

    def __len__(self) -> int:
        return sum(self.counts)

    def name(self, index: int) -> str:
        """A name that says the dataset, too: two may have a file of one name."""
        source, image, _ = self._place(index, 0)
        return f"{source}/{self.datasets[source].name(image)}"

    def __getitem__(self, draw: int | Draw) -> dict[str, Any]:
        if not isinstance(draw, Draw):
            draw = Draw(int(draw), 0, int(draw))
        source, image, turn = self._place(draw.image, draw.epoch)
        return self.datasets[source][Draw(image, mix(source, turn), draw.number)]

    def check_flow(self, flow: Any) -> None:
        """Refuse to be what a flow is trained on, where one of the datasets does."""
        for one in self.datasets:
            one.check_flow(flow)

    @property
    def computes_order(self) -> bool:
        """Whether one of its datasets does."""
        return any(one.computes_order for one in self.datasets)

    @property
    def reads_in_windows(self) -> bool:
        """Whether one of its datasets does."""
        return any(one.reads_in_windows for one in self.datasets)

    def order_of_draws(self, count: int, seed: int) -> Order:
        """A permutation: inside another mixture there are no windows."""
        return Permutation(count, seed)

    def order(self, seed: int) -> Order:
        """The order of an epoch, all datasets among each other."""
        if self.reads_in_windows:
            drawn = [(one, count) for one, count in zip(self.datasets, self.counts, strict=True) if count]
            return Interleaved([one.order_of_draws(count, mix(seed, n)) for n, (one, count) in enumerate(drawn)])
        return Permutation(len(self), seed) if self.computes_order else shuffled(len(self), seed)

    def _place(self, index: int, epoch: int) -> tuple[int, int, int]:
        """Which dataset, which of its images, and how often that one was drawn before."""
        source = max(n for n, start in enumerate(self.starts) if start <= index and self.counts[n])
        turn, image = divmod(epoch * self.counts[source] + index - self.starts[source], len(self.datasets[source]))
        return source, image, turn
