"""Forward operator of an inverse problem: a degradation with known parameters, without its noise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.degradations.codec.diff_jpeg import DiffJPEG, RealQualityParams
from cfmrestore.degradations.codec.jpeg import JPEG
from cfmrestore.degradations.combine.compose import Compose
from cfmrestore.degradations.masks.mask import MaskDegradation
from cfmrestore.typing import Image, Size


@dataclass(frozen=True)
class ForwardOperator:
    r"""A of :math:`y = A(x) + \sigma n` with :math:`n \sim N(0, I)`, and its adjoint.

    Of a chain of operators with known parameters, A is what is left without those that add noise: they are told by
    ``Degradation.noise_level`` and make up :math:`\sigma`, the root of the sum of their variances, as if they all came
    last. Rounding to levels (``Quantize``) counts as noise, and clipping is left out. Where every operator is affine,
    A is the linear part: ``observed`` takes the same image off y that the chain makes of a black one. Of a mask, what
    stands in the holes is neither in A(x) nor in y. ``JPEG`` has no gradient: in its place A has ``DiffJPEG`` of the
    same quality.

    Args:
        steps: The operators, with their parameters.
        sigma: Noise level, one an image or one for all; white is 1.
        holes: Mask of a size, 1 where y tells nothing; it comes last.
    """

    steps: tuple[tuple[Degradation[Any], Any], ...] = ()
    sigma: Tensor | float = 0.0
    holes: Callable[[Size], Tensor] | None = None

    @classmethod
    def of(cls, degradation: Degradation[Any], params: Any) -> "ForwardOperator":
        """The operator of a degradation with the parameters that it had; an error if it has no gradient."""
        steps, variance, holes = [], torch.zeros(()), None
        for step, step_params in (_with_gradient(*one) for one in _flat(degradation, params)):
            level = step.noise_level(step_params)
            if level is not None:
                variance = variance + torch.as_tensor(level) ** 2
                continue
            if isinstance(holes, _Holes):
                steps.append((holes.mask, holes.params))  # it did not come last
            holes = _Holes(step, step_params) if isinstance(step, MaskDegradation) else None
            if holes is None:
                steps.append((step, step_params))
        for step, _ in steps:
            if not (is_affine(step) or step.differentiable):
                raise ValueError(
                    f"{type(step).__name__} is neither linear nor differentiable, so that no gradient leads back "
                    "through it: leave it out of the degradation"
                )
        return cls(tuple(steps), variance.sqrt(), holes)

    @classmethod
    def of_mask(cls, mask: Tensor) -> "ForwardOperator":
        """The operator of a mask (b, 1, h, w) that is 1 in the holes."""
        return cls(holes=lambda size: mask)

    @property
    def is_linear(self) -> bool:
        """Whether A is a linear map."""
        return all(is_affine(step) for step, _ in self.steps)

    @property
    def _shifts(self) -> bool:
        return self.is_linear and not all(step.linear for step, _ in self.steps)

    def __call__(self, image: Image) -> Image:
        """A(x)."""
        made = self._apply(image)
        return self.known(made - self._apply(torch.zeros_like(image)) if self._shifts else made)

    def observed(self, y: Image, size: Size) -> Image:
        """What is compared with A(x) for an x of that size."""
        if self._shifts:
            y = y - self._apply(y.new_zeros(len(y), 3, *size))
        return self.known(y)

    def adjoint(self, y: Image, size: Size) -> Image:
        """A'y for an A that is linear on images of that size: <A x, y> = <x, A'y>."""
        with torch.enable_grad():
            x = y.new_zeros(len(y), 3, *size).requires_grad_()
            (gradient,) = torch.autograd.grad(self(x), x, y)
        return gradient

    def out_size(self, size: Size) -> Size:
        """Height and width of y for an x of that size."""
        for step, params in self.steps:
            size = step.out_size(size, params)
        return size

    def noise_level(self, image: Image) -> Tensor:
        """The noise level, one number an image."""
        return torch.as_tensor(self.sigma).to(image).expand(len(image))

    def known(self, y: Image) -> Image:
        """y with 0 in the holes."""
        return y if self.holes is None else y * (1 - self.holes((y.shape[-2], y.shape[-1])).to(y))

    def _apply(self, image: Image) -> Image:
        for step, params in self.steps:
            image = step.apply(image, params)
        return image


@dataclass(frozen=True)
class _Holes:
    """The mask of a degradation, for images of any size."""

    mask: MaskDegradation[Any]
    params: Any

    def __call__(self, size: Size) -> Tensor:
        return self.mask.mask(size, self.params)


def _with_gradient(step: Degradation[Any], params: Any) -> tuple[Degradation[Any], Any]:
    """JPEG as what has a gradient, and all else as it is."""
    return (DiffJPEG(), RealQualityParams(params.quality.float())) if isinstance(step, JPEG) else (step, params)


def is_affine(step: Degradation[Any]) -> bool:
    """Whether an operator is a linear map and an image that is added."""
    return step.linear or step.affine


def _flat(degradation: Degradation[Any], params: Any) -> Iterator[tuple[Degradation[Any], Any]]:
    """The operators of a chain in their order, through combinators that do the same to all images."""
    parts = list(degradation.parts(params))
    if isinstance(degradation, MaskDegradation) or not (parts or isinstance(degradation, Compose)):
        yield degradation, params
        return
    if len(parts) > 1 and not isinstance(degradation, Compose):
        raise ValueError(f"{type(degradation).__name__} differs from image to image here: give the images one by one")
    for part in parts:
        yield from _flat(*part)
