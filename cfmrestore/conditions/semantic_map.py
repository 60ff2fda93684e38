"""Semantic map: a class a pixel, through a learned downscaler."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Conditioning


@CONDITIONS.register_module()
class SemanticMap(Condition):
    r"""The one-hot label map, halved to the latent's size by strided convolutions that are trained with the network.

    With ``learned=False`` it is LFM's: bilinear halvings and one 1x1 convolution, which has no gradient there (its
    weights stay as they were drawn) and has one here, unless ``frozen``. Null is a map without any class.

    Reference: Dao et al., 2023, section 4 (arXiv:2307.08698); Rombach et al., 2022, section 4.3.2 (arXiv:2112.10752).

    Args:
        downscale: Pixels a latent sample along each side.
        classes: Number of classes.
        channels: Channels of the map that the network is told.
        width: Channels between the convolutions.
        learned: Halve by convolutions; otherwise bilinearly.
        frozen: Leave the weights as they were drawn.
        dropout: Probability of telling nothing in training.
    """

    needs = ("map",)

    def __init__(
        self,
        *,
        downscale: int,
        classes: int,
        channels: int = 4,
        width: int = 32,
        learned: bool = True,
        frozen: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(dropout=dropout)
        halvings = int(math.log2(downscale))
        if 2**halvings != downscale:
            raise ValueError(f"SemanticMap halves maps to the latent: {downscale} is no power of two")
        self.classes, self.context_channels, self.halvings = classes, channels, halvings
        layers: list[nn.Module] = []
        for index in range(halvings if learned else 0):
            layers += [nn.Conv2d(width if index else classes, width, 4, stride=2, padding=1), nn.SiLU()]
        last = width if layers else classes
        self.downscaler = nn.Sequential(*layers, nn.Conv2d(last, channels, 1)).requires_grad_(not frozen)

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        labels = inputs.given["map"].long()
        if bool(((labels < 0) | (labels >= self.classes)).any()):
            raise ValueError(f"a label map holds classes from 0 to {self.classes - 1}; got up to {int(labels.max())}")
        return self._told(self._planes(labels).scatter_(1, labels[:, None], 1))

    def null(self, inputs: ConditionInputs) -> Conditioning:
        return self._told(self._planes(inputs.given["map"]))

    def _planes(self, labels: Tensor) -> Tensor:
        """A plane of zeros for each class."""
        return next(self.downscaler.parameters()).new_zeros(len(labels), self.classes, *labels.shape[1:])

    def _told(self, x: Tensor) -> Conditioning:
        if len(self.downscaler) == 1:
            for _ in range(self.halvings):
                x = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        return {"context": self.downscaler(x)}
