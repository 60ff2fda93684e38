"""Random application: an operator that some images get."""

from typing import Any

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.combine.compose import Compose, built
from cfmrestore.degradations.combine.groups import Grouping, GroupsParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@DEGRADATIONS.register_module()
class Maybe(Grouping):
    """Each image gets the operator with the given probability, and otherwise stays as it is.

    Args:
        step: The operator, or its config.
        probability: How often.
    """

    def __init__(self, *, step: Degradation[Any] | dict[str, Any], probability: float = 0.5) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"need a probability; got {probability=}")
        super().__init__([Compose(steps=[]), *built([step])])
        self.probability = probability

    def sample(self, frame: Frame, rng: ImageRng) -> GroupsParams:
        return self.grouped(rng.choice((1 - self.probability, self.probability)), frame, rng)
