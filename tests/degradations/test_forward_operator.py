"""Forward operators: every linear one has its adjoint, every differentiable one a gradient that leads nearer."""

from typing import Any

import pytest
import torch
from torch import Tensor

from cfmrestore.contracts.degradations import check_adjoint, check_descent, check_noise_level, images
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
    WebP,
)
from cfmrestore.degradations.forward_operator import is_affine
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import ContractError
from tests.degradations.test_contract import NAMES, build

BUILT = {name: build(name) for name in NAMES}
AFFINE = [name for name in NAMES if is_affine(BUILT[name])]
DIFFERENTIABLE = [name for name in NAMES if is_affine(BUILT[name]) or BUILT[name].differentiable]
NOISE = [name for name in NAMES if BUILT[name].noise_level(BUILT[name].draw(images(2), ImageRng([1, 2]))) is not None]


def drawn(degradation: Degradation[Any], image: Tensor) -> tuple[ForwardOperator, Any]:
    params = degradation.draw(image.float(), ImageRng(range(len(image))))
    return ForwardOperator.of(degradation, params), params


class NotTheMap(GaussianBlur):
    """Linear in name alone."""

    def apply(self, image, params):
        return super().apply(image, params) ** 2


class Louder(GaussianNoise):
    """Says half of its noise."""

    def noise_level(self, params):
        return super().noise_level(params) / 2


class Detached(GaussianBlur):
    """Its gradient is that of something else: the image as it is."""

    def apply(self, image, params):
        return image + (super().apply(image, params) - image).detach()


class Flat(LowLight):
    """Lets no gradient through."""

    def apply(self, image, params):
        return image.round() + 0 * image


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (check_adjoint, NotTheMap()),
        (check_adjoint, Detached()),
        (check_descent, Flat()),
        (check_noise_level, Louder()),
    ],
)
def test_contracts_reject_their_mutants(check: Any, mutant: Degradation[Any]) -> None:
    with pytest.raises(ContractError):
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


def test_jpeg_is_what_has_a_gradient_at_its_quality() -> None:
    x = images(2)
    operator, params = drawn(Compose(steps=[JPEG(quality=(20, 90)), Quantize()]), x)
    y = JPEG().apply(x, params.steps[0])
    assert float((operator(x) - y).abs().mean()) < float((x - y).abs().mean()) / 2
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(operator(leaf).sum(), leaf)
    assert bool(gradient.any())
    assert not operator.is_linear


def test_combinators_that_chose_are_seen_through() -> None:
    x = images(1)
    operator, _ = drawn(Compose(steps=[Maybe(step=Downscale(scale=2), probability=1.0), OneOf(steps=[Quantize()])]), x)
    assert torch.equal(operator(x), Downscale(scale=2)(x, ImageRng([0])))
    with pytest.raises(ValueError, match="Maybe differs from image to image here: give the images one by one"):
        drawn(Maybe(step=Downscale(scale=2)), images(5))


@pytest.mark.parametrize("step", [WebP(), SpeckleNoise(), DiffJPEG(soft=False)])
def test_what_has_no_gradient_is_refused(step: Degradation[Any]) -> None:
    with pytest.raises(ValueError, match=f"{type(step).__name__} is neither linear nor differentiable"):
        drawn(Compose(steps=[Downscale(scale=2), step]), images(2))
