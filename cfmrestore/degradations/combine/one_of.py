"""Random choice: one of several operators for each image."""

from collections.abc import Sequence

from cfmrestore.degradations.combine.compose import Step, built
from cfmrestore.degradations.combine.groups import Grouping, GroupsParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@DEGRADATIONS.register_module()
class OneOf(Grouping):
    """Each image gets one operator, with probabilities proportional to the weights.

    Args:
        steps: The operators, or their configs.
        weights: One number an operator; equal ones if left out.
    """

    def __init__(self, *, steps: Sequence[Step], weights: Sequence[float] | None = None) -> None:
        super().__init__(built(steps))
        self.weights = tuple(weights) if weights is not None else (1.0,) * len(steps)
        if not steps or len(self.weights) != len(steps) or min(self.weights) < 0 or not sum(self.weights) > 0:
            raise ValueError(f"need one weight of 0 or more an operator; got {len(steps)} operators and {weights=}")

    def sample(self, frame: Frame, rng: ImageRng) -> GroupsParams:
        return self.grouped(rng.choice(self.weights), frame, rng)
