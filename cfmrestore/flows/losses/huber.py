"""A loss that outliers pull on less."""

from torch.nn import functional as F

from cfmrestore.flows.losses.base import Loss, Prediction, per_image
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class Huber(Loss):
    r"""Quadratic within delta of the target, linear beyond (Huber, 1964).

    Args:
        delta: Where it turns.
        weight: Factor on it in the sum of losses.
    """

    def __init__(self, *, delta: float = 1.0, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if not delta > 0:
            raise ValueError(f"delta must be positive; got {delta}")
        self.delta = delta

    def __call__(self, prediction: Prediction) -> PerImage:
        return per_image(F.huber_loss(prediction.v, prediction.dx_t, reduction="none", delta=self.delta))
