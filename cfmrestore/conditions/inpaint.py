"""Inpainting: what is known of an image, and where."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Conditioning, Image


@CONDITIONS.register_module()
class Inpaint(Condition):
    r"""The latent of the image with gray in its holes, and the whole mask m, 1 in the holes and -1 elsewhere.

    .. math:: c = \left[\, E((1 - m)\, y + m / 2),\ 2\, \mathrm{unshuffle}_f(m) - 1 \,\right]

    A latent sample stands for f x f pixels, whose mask is told in as many channels: nothing is resized away. Null is
    an image that is a hole altogether.

    Reference: Dao et al., 2023, section 4 (arXiv:2307.08698), who shrink the mask to one channel; the unshuffled mask
    is that of FLUX Fill (Black Forest Labs, 2024).

    Args:
        latent_channels: Channels of a latent.
        downscale: Pixels a latent sample along each side, f.
        dropout: Probability of telling nothing in training.
    """

    needs = ("low", "mask")

    def __init__(self, *, latent_channels: int, downscale: int, dropout: float = 0.0) -> None:
        super().__init__(dropout=dropout)
        self.downscale = downscale
        self.context_channels = latent_channels + downscale**2

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        return self._told(inputs, inputs.given["low"], inputs.given["mask"])

    def null(self, inputs: ConditionInputs) -> Conditioning:
        low, mask = inputs.given["low"], inputs.given["mask"]
        return self._told(inputs, low, torch.ones_like(mask))

    @torch.no_grad()
    def _told(self, inputs: ConditionInputs, low: Image, mask: Tensor) -> Conditioning:
        if mask.shape[1:] != (1, *low.shape[2:]):
            raise ValueError(f"a mask has the size of its image; got {tuple(mask.shape)} for {tuple(low.shape)}")
        mask = mask.to(low)
        known = inputs.encode(low * (1 - mask) + 0.5 * mask, "inpaint")
        return {"context": torch.cat([known, 2 * F.pixel_unshuffle(mask, self.downscale) - 1], dim=1)}
