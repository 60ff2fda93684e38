"""Random application: an operator that some images get."""

from cfmrestore.degradations.base import check_share
from cfmrestore.degradations.combine.compose import Compose, Step, built
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

    def __init__(self, *, step: Step, probability: float = 0.5) -> None:
        super().__init__([Compose(steps=[]), *built([step])])
        self.probability = check_share("probability", probability)

    def sample(self, frame: Frame, rng: ImageRng) -> GroupsParams:
        return self.grouped(rng.choice((1 - self.probability, self.probability)), frame, rng)
