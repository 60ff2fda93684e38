"""Forward operators: every linear one has its adjoint, every differentiable one a gradient that leads nearer."""

from typing import Any

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations import (
    JPEG,
    BoxMask,
    Clip,
    Compose,
    Degradation,
    DiffJPEG,
    Downscale,
    ForwardOperator,
    GaussianBlur,
    GaussianNoise,
    Haze,
    LowLight,
    Maybe,
    OneOf,
    Quantize,
    SpeckleNoise,
)
from cfmrestore.degradations.forward_operator import is_affine
from cfmrestore.ops.rng import ImageRng
from tests.degradations.test_contract import NAMES, build, images

BUILT = {name: build(name) for name in NAMES}
AFFINE = [name for name in NAMES if is_affine(BUILT[name])]
DIFFERENTIABLE = [name for name in NAMES if is_affine(BUILT[name]) or BUILT[name].differentiable]
NOISE = [name for name in NAMES if BUILT[name].noise_level(BUILT[name].draw(images(2), ImageRng([1, 2]))) is not None]


def drawn(degradation: Degradation[Any], image: Tensor) -> tuple[ForwardOperator, Any]:
    params = degradation.draw(image.float(), ImageRng(range(len(image))))
    return ForwardOperator.of(degradation, params), params


def check_adjoint(degradation: Degradation[Any]) -> None:
    r"""<A x, y> = <x, A'y> in float64, and A is linear: both sides are the same sum, up to rounding."""
    x = images(2, 26, 33).double()
    operator, _ = drawn(degradation, x)
    assert operator.is_linear
    made = operator(x)
    y = torch.randn(made.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    left, right = (made * y).sum(), (x * operator.adjoint(y, (26, 33))).sum()
    assert float((left - right).abs()) < 1e-5 * float(made.norm() * y.norm())  # kernels are rounded to floats by some
    other = x.flip(-1)
    assert torch.allclose(operator(2 * x - 3 * other), 2 * made - 3 * operator(other), atol=1e-5)
    assert operator.out_size((26, 33)) == tuple(made.shape[-2:])


def check_descent(degradation: Degradation[Any]) -> None:
    """A short step against the gradient of the misfit makes it smaller."""
    x = images(2, 26, 33)
    operator, _ = drawn(degradation, x)
    y, start = operator(x), (0.8 * x + 0.1).requires_grad_()
    misfit = (operator(start) - y).square().sum()
    (gradient,) = torch.autograd.grad(misfit, start)
    assert float(gradient.abs().max()) > 0
    nearer = [(operator(start.detach() - step * gradient) - y).square().sum() for step in (0.3, 0.1, 0.03, 0.01)]
    assert min(float(one) for one in nearer) < 0.99 * float(misfit.detach())


@pytest.mark.parametrize("name", [name for name in AFFINE if name not in NOISE])
def test_affine_operators_have_their_adjoint(name: str) -> None:
    check_adjoint(BUILT[name])


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_lead_nearer(name: str) -> None:
    check_descent(BUILT[name])


@pytest.mark.parametrize("name", NOISE)
def test_what_is_called_noise_has_that_level(name: str) -> None:
    """On gray that no level bounds: the mean of many pixels is right within five standard errors."""
    operator, x = BUILT[name], torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    params = operator.draw(x, ImageRng([1, 2, 3]))
    level = torch.as_tensor(operator.noise_level(params)).expand(3)
    noise = (operator.apply(x, params) - x).double()
    assert torch.allclose(noise.std(dim=(1, 2, 3)), level.double(), rtol=0.06, atol=1e-9)
    assert float(noise.mean().abs()) < 0.1 * float(level.max()) + 1e-9


class NotTheMap(GaussianBlur):
    """Linear in name alone."""

    def apply(self, image, params):
        return super().apply(image, params) ** 2


class Detached(GaussianBlur):
    """Its gradient is that of something else: the image as it is."""

    def apply(self, image, params):
        return image + (super().apply(image, params) - image).detach()


class Flat(LowLight):
    """Lets no gradient through."""

    def apply(self, image, params):
        return image.round() + 0 * image


@pytest.mark.parametrize(
    ("check", "mutant"), [(check_adjoint, NotTheMap()), (check_adjoint, Detached()), (check_descent, Flat())]
)
def test_contracts_reject_their_mutants(check: Any, mutant: Degradation[Any]) -> None:
    with pytest.raises(AssertionError):
        check(mutant)


def test_a_chain_is_its_operators_without_noise() -> None:
    chain = Compose(
        steps=[GaussianBlur(sigma=(1, 2)), Downscale(scale=2), GaussianNoise(sigma=(12.75, 12.75)), Clip(), Quantize()]
    )
    x = images(2)
    operator, params = drawn(chain, x)
    expected = chain.steps[1].apply(chain.steps[0].apply(x, params.steps[0]), params.steps[1])
    assert torch.equal(operator(x), expected)
    assert torch.allclose(operator.noise_level(x), torch.tensor((0.05**2 + 1 / (255**2 * 12)) ** 0.5).expand(2))


def test_an_image_that_is_added_is_taken_off() -> None:
    x = images(2)
    operator, params = drawn(Haze(), x)
    y = Haze().apply(x, params)
    assert torch.allclose(operator.observed(y, (24, 32)), operator(x), atol=1e-6)
    assert not torch.allclose(y, operator(x), atol=0.1)


@pytest.mark.parametrize("fill", [0.5, "mean", "telea"])
def test_of_a_mask_only_what_is_known_counts(fill: Any) -> None:
    mask, x = BoxMask(boxes=(1, 1), side=(8, 8), margin=2, reference_side=None, fill=fill), images(2)
    operator, params = drawn(Compose(steps=[mask, Quantize()]), x)
    y = mask.apply(x, params.steps[0])
    assert torch.equal(operator(x), operator.observed(y, (24, 32)))
    hole = mask.mask((24, 32), params.steps[0])
    assert torch.equal(operator(x), x * (1 - hole))
    assert hole.any()


def test_combinators_that_chose_are_seen_through() -> None:
    x = images(1)
    operator, _ = drawn(Compose(steps=[Maybe(step=Downscale(scale=2), probability=1.0), OneOf(steps=[Quantize()])]), x)
    assert torch.equal(operator(x), Downscale(scale=2)(x, ImageRng([0])))
    with pytest.raises(ValueError, match="Maybe differs from image to image here: give the images one by one"):
        drawn(Maybe(step=Downscale(scale=2)), images(5))


@pytest.mark.parametrize("step", [JPEG(), SpeckleNoise(), DiffJPEG(soft=False)])
def test_what_has_no_gradient_is_refused(step: Degradation[Any]) -> None:
    with pytest.raises(ValueError, match=f"{type(step).__name__} is neither linear nor differentiable"):
        drawn(Compose(steps=[Downscale(scale=2), step]), images(2))
