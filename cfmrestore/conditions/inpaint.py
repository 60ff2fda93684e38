"""Inpainting: what is known of an image, and where."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.conditions.base import Condition, ConditionInputs
from cfmrestore.ops.holes import fill_smoothly
from cfmrestore.registry import CONDITIONS
from cfmrestore.typing import Conditioning, Image

FILLS = ("gray", "smooth")


@CONDITIONS.register_module()
class Inpaint(Condition):
    r"""The latent of the image with its holes filled, and the whole mask m: 1 in the holes, -1 elsewhere.

    .. math:: c = \left[\, E(\mathrm{fill}(y, m)),\ 2\, \mathrm{unshuffle}_f(m) - 1 \,\right]

    A latent sample stands for f x f pixels, whose mask is told in as many channels: nothing is resized away. Null is
    a gray image that is a hole altogether. What stood in the holes is never seen, neither here nor where a path starts.

    Reference: Dao et al., 2023, section 4 (arXiv:2307.08698), who shrink the mask to one channel; the unshuffled mask
    is that of FLUX Fill (Black Forest Labs, 2024).

    Args:
        latent_channels: Channels of a latent.
        downscale: Pixels a latent sample along each side, f.
        fill: What the input has in its holes: "gray" as in LFM, or "smooth", led in from the rim: the better start
            where a path starts at the input.
        dropout: Probability of telling nothing in training.
    """

    needs = ("low", "mask")

    def __init__(self, *, latent_channels: int, downscale: int, fill: str = "gray", dropout: float = 0.0) -> None:
        super().__init__(dropout=dropout)
        if fill not in FILLS:
            raise ValueError(f"Inpaint: fill is one of {', '.join(FILLS)}; got {fill!r}")
        self.downscale, self.fill = downscale, fill
        self.context_channels = latent_channels + downscale**2

    def prepare(self, low: Image, given: Mapping[str, Tensor]) -> Image:
        if "mask" not in given:
            raise ValueError("inpainting needs a mask, 1 in the holes, which was not given")
        mask = given["mask"].to(low)
        if mask.shape[1:] != (1, *low.shape[2:]):
            raise ValueError(f"a mask has the size of its image; got {tuple(mask.shape)} for {tuple(low.shape)}")
        return fill_smoothly(low, mask) if self.fill == "smooth" else low * (1 - mask) + 0.5 * mask

    def embed(self, inputs: ConditionInputs) -> Conditioning:
        return self._told(inputs, inputs.given["low"], inputs.given["mask"])

    def null(self, inputs: ConditionInputs) -> Conditioning:
        low, mask = inputs.given["low"], inputs.given["mask"]
        return self._told(inputs, torch.full_like(low, 0.5), torch.ones_like(mask))

    @torch.no_grad()
    def _told(self, inputs: ConditionInputs, low: Image, mask: Tensor) -> Conditioning:
        known = inputs.encode(low, "inpaint")
        return {"context": torch.cat([known, 2 * F.pixel_unshuffle(mask.to(known), self.downscale) - 1], dim=1)}
