"""Mask base classes: what every operator promises that cuts holes."""

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation, P, SeedParams, check_share
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, Size


class MaskDegradation(Degradation[P]):
    """``x * (1 - mask) + fill * mask``; what is outside the holes stays bit for bit.

    Args:
        fill: The value in the holes, in all channels.
    """

    def __init__(self, *, fill: float = 0.5) -> None:
        self.fill = check_share("fill", fill)

    @abstractmethod
    def mask(self, size: Size, params: P) -> Float[Tensor, "b 1 h w"]:
        """1 in the holes, 0 elsewhere; on the CPU."""

    def apply(self, image: Image, params: P) -> Image:
        mask = self.mask((image.shape[-2], image.shape[-1]), params).to(image)
        return image * (1 - mask) + self.fill * mask


class SeededMask(MaskDegradation[SeedParams]):
    """A mask that is drawn image by image from one seed each."""

    def __init__(self, *, fill: float = 0.5, reference_side: int | None = None) -> None:
        super().__init__(fill=fill)
        if reference_side is not None and reference_side < 1:
            raise ValueError(f"reference_side must be 1 or more, or None for lengths in pixels; got {reference_side}")
        self.reference_side = reference_side

    def length_scale(self, size: Size) -> float:
        """By what lengths are multiplied that are for images of the reference as smaller side; 1 without one."""
        return 1.0 if self.reference_side is None else min(size) / self.reference_side

    @abstractmethod
    def holes(self, size: Size, rng: ImageRng) -> Float[Tensor, "h w"]:
        """The mask of one image."""

    def mask(self, size: Size, params: SeedParams) -> Float[Tensor, "b 1 h w"]:
        return stack_images(lambda seed: self.holes(size, ImageRng([seed])), params.seed.tolist())[:, None]
