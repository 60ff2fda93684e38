"""Repetition of a chain: degradations of second and higher order."""

from collections.abc import Sequence

from cfmrestore.degradations.base import IntRange
from cfmrestore.degradations.combine.compose import Compose, Step
from cfmrestore.degradations.combine.groups import Grouping, GroupsParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@DEGRADATIONS.register_module()
class Repeat(Grouping):
    """Apply a chain a number of times, drawn for each image; every round draws anew.

    Args:
        steps: The operators of the chain, or their configs.
        times: The number of rounds, or its range.
    """

    def __init__(self, *, steps: Sequence[Step], times: int | IntRange = 2) -> None:
        self.low, self.high = (times, times) if isinstance(times, int) else times
        if not 0 <= self.low <= self.high:
            raise ValueError(f"need 0 <= low <= high; got {times=}")
        chain = Compose(steps=steps)
        super().__init__([Compose(steps=[chain] * rounds) for rounds in range(self.high + 1)])

    def sample(self, frame: Frame, rng: ImageRng) -> GroupsParams:
        return self.grouped(rng.integers(self.low, self.high), frame, rng)
