"""The mean squared error of the decoded image."""

from cfmrestore.flows.losses.base import PictureLoss, per_image
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import LOSSES
from cfmrestore.typing import Image, PerImage


@LOSSES.register_module()
class PixelMSE(PictureLoss):
    r""":math:`\| D(\hat x_1) - y \|^2` with the decoder D and the target y.

    Latents of an autoencoder do not weigh errors as pictures do: between two of them may lie a distance that nobody
    sees, or as small a one that everybody does. Where an encoder keeps distances (``Identity``, ``Haar``), ``MSE`` and
    ``TargetMSE`` say the same without decoding.

    Args:
        steps: Steps of a flow map; None takes the mean given x_t, and 0 one step whose dial stands anywhere.
        weight: Factor on it in the sum of losses.
    """

    def compare(self, image: Image, target: Image, rng: ImageRng) -> PerImage:
        del rng  # it looks everywhere
        return per_image((image - target).square())
