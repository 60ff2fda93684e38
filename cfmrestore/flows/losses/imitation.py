"""How far what a flow map makes lies from what another model makes of the same input."""

from typing import Any

from torch import nn

from cfmrestore.flows.losses.base import Loss, PictureLoss, Prediction
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class Imitation(Loss):
    r"""A loss of pictures whose target is a peer's result, counted by the share s of the way where the dial stands.

    .. math:: L = s \, d \left( \hat x, g(y) \right)

    with the peer g, the input y and the distance d. Of many pictures that an input may come from, a distance to the one
    that was there makes a mean, which is soft; g has made its choice, and g(y) is a function of the input: no mean
    stands between a network that is large enough and its sharpness. So a model that was trained against a discriminator
    is handed on to a smaller one without one. The faithful end, s = 0, learns nothing of it; beside ``TargetMSE``
    of weight w and a mean square of weight a here, the result is drawn to the mean of the true pictures and g(y) by
    w : a s.

    Reference: Hinton et al., 2015, Distilling the knowledge in a neural network (arXiv:1503.02531).

    Args:
        loss: The distance: a loss of pictures, such as ``dict(type="Perceptual", ...)``; its own steps do not matter.
        steps: Steps of a flow map, of which all of the loss counts; 0 is one step whose dial stands anywhere.
        weight: Factor on it in the sum of losses, beside the distance's own.
    """

    needs_flow_map = True
    needs_target = True

    def __init__(self, *, loss: dict[str, Any] | PictureLoss, steps: int = 0, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if steps < 0:
            raise ValueError(f"steps is a number of steps, or 0; got {steps}")
        self.steps, self.loss = steps, LOSSES.build(loss)
        if not isinstance(self.loss, PictureLoss):
            raise ValueError(f"Imitation takes a loss of pictures, and {type(self.loss).__name__} is none")

    @property
    def frozen(self) -> nn.Module | None:
        return self.loss.frozen

    def __call__(self, prediction: Prediction) -> PerImage:
        if prediction.peer is None:
            raise ValueError("Imitation needs what a peer makes of the inputs: take a PairedFolder with its peer_root")
        distance = self.loss.weight * self.loss.compare(prediction.image(self.steps), prediction.peer, prediction.rng)
        return distance if self.steps else prediction.share.to(distance) * distance
