"""Loss base class: what every loss promises."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from cfmrestore.typing import PerImage


@dataclass(frozen=True)
class Prediction:
    """What the network said at (x_t, t), and what it should have said."""

    v: Tensor
    dx_t: Tensor
    t: Tensor
    target: Tensor | None  # the high-quality image; None where the data gives latents alone
    restored: Callable[[], Tensor]  # the decoded mean of x_1 given x_t; computed when asked for


def per_image(error: Tensor) -> PerImage:
    """The mean over all axes but the batch, in whatever layout."""
    return error.mean(dim=tuple(range(1, error.dim())))


class Loss(ABC):
    """A number an image, averaged over the batch by the flow.

    Args:
        weight: Factor on it in the sum of losses.
    """

    def __init__(self, *, weight: float = 1.0) -> None:
        self.weight = weight

    @property
    def frozen(self) -> nn.Module | None:
        """A network that the loss looks through; it follows the flow to its device, and is not trained or saved."""
        return None

    @abstractmethod
    def __call__(self, prediction: Prediction) -> PerImage:
        """The loss of each image, before the weight."""
