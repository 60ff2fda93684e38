"""Feature extractor base class: what the distances of sets of images need of a network."""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.typing import Image


class Extractor(nn.Module):
    """A frozen network that turns an image into a feature, and a feature into probabilities of classes."""

    dim: ClassVar[int]
    """Length of a feature."""

    def forward(self, image: Image) -> Float[Tensor, "b d"]:
        """The features of images in [0, 1]."""
        raise NotImplementedError

    def probabilities(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """What the network's classifier makes of features."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> "Extractor":
        """Stay in evaluation mode, also as a part of a model that is trained."""
        return super().train(False)
