"""Mask base classes: what every operator promises that cuts holes."""

from abc import abstractmethod
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation, P, SeedParams
from cfmrestore.ops.holes import fill_mean, fill_telea
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, Size

Fill: TypeAlias = float | str
_FILLS = {"mean": fill_mean, "telea": fill_telea}


class MaskDegradation(Degradation[P]):
    """``x * (1 - mask) + fill * mask``, where the mask is 1 in the holes; what is outside stays bit for bit.

    Args:
        fill: What stands in the holes: a value, in all channels (0.5 is gray); "mean", the mean color of what is known;
            "telea", colors that OpenCV continues from the rim.
    """

    def __init__(self, *, fill: Fill = 0.5) -> None:
        if fill not in _FILLS and not (isinstance(fill, int | float) and 0 <= fill <= 1):
            raise ValueError(f"fill must be a brightness from 0 to 1, or one of {', '.join(_FILLS)}; got {fill!r}")
        self.fill = fill
        self.affine = not isinstance(fill, str)

    @abstractmethod
    def mask(self, size: Size, params: P) -> Float[Tensor, "b 1 h w"]:
        """1 in the holes, 0 elsewhere; on the CPU."""

    def apply(self, image: Image, params: P) -> Image:
        mask = self.mask((image.shape[-2], image.shape[-1]), params).to(image)
        if isinstance(self.fill, str):
            return stack_images(_FILLS[self.fill], image, mask[:, 0])
        return image * (1 - mask) + self.fill * mask


class SeededMask(MaskDegradation[SeedParams]):
    """A mask that is drawn image by image from one seed each."""

    def __init__(self, *, fill: Fill = 0.5, reference_side: int | None = None) -> None:
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
