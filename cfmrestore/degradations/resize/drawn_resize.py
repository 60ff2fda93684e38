"""Resizing base class for a size and a kernel that are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.resize import check_kernel, resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, IntPerImage, Size


@dataclass(frozen=True)
class ResizeParams:
    size: Int[Tensor, "b 2"]  # height and width of the result
    kernel: IntPerImage  # its number in the operator's list


class DrawnResize(Degradation[ResizeParams]):
    """Resizes each image of a batch with its own kernel, one of a list, to a size that all share."""

    linear = True

    def __init__(self, kernels: Sequence[str], antialias: bool) -> None:
        if not kernels:
            raise ValueError("kernels must name one or more kernels")
        for kernel in kernels:
            check_kernel(kernel, antialias)
        self.kernel_names, self.antialias = tuple(kernels), antialias

    def draw_kernel(self, rng: ImageRng) -> IntPerImage:
        return rng.choice([1.0] * len(self.kernel_names))

    def apply(self, image: Image, params: ResizeParams) -> Image:
        size = self.out_size((image.shape[-2], image.shape[-1]), params)
        names = [self.kernel_names[number] for number in params.kernel.tolist()]
        return stack_images(
            lambda x, name: resize(x[None], size=size, kernel=name, antialias=self.antialias)[0], image, names
        )

    def out_size(self, size: Size, params: ResizeParams) -> Size:
        return self.one_size({(int(height), int(width)) for height, width in params.size.tolist()})
