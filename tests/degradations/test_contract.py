"""Every registered degradation replays, treats images one by one, and keeps its algebra."""

import pytest
import torch

from cfmrestore.contracts.degradations import (
    CONTRACT,
    SEEDS,
    check_draws_differ,
    check_images_are_independent,
    check_linear,
    check_purity,
    check_range,
    check_refuses_nan,
    check_replay,
    check_size_and_dtype,
    images,
)
from cfmrestore.degradations import Clip, Compose, Degradation, Downscale, GaussianBlur, GaussianNoise, Quantize
from cfmrestore.degradations.base import NoParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import ContractError
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame

DEGRADATIONS.import_from_location()
NAMES = sorted(DEGRADATIONS.module_dict)


def build(name: str) -> Degradation:
    return CONTRACT.make(name, CONTRACT.cases_of(name)[0])


@pytest.mark.parametrize("check", CONTRACT.checks)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check) -> None:
    check(build(name))


class Unseeded(GaussianNoise):
    """Draws its noise while applying, from the global generator."""

    def apply(self, image, params):
        return image + 0.1 * torch.randn_like(image)


class BatchSeeded(GaussianNoise):
    """One generator for the batch: an image depends on those before it."""

    def sample(self, frame, rng):
        params = super().sample(frame, rng)
        return type(params)(params.sigma, params.gray, params.seed[:1] + torch.arange(len(rng)))


class WrongSize(Downscale):
    """Announces a size rounded down."""

    def out_size(self, size, params):
        return int(size[0] // self.scale), int(size[1] // self.scale)


class Unclipped(GaussianBlur):
    """Says that it clips."""

    clips = True


class Blind(GaussianBlur):
    """Does not look at what it is given."""

    def draw(self, image, rng):
        return self.sample(Frame((24, 32), (24, 32)), rng)


class InPlace(Clip):
    """Writes into its input."""

    def apply(self, image, params):
        return image.mul_(0.5)


class Unnormalized(GaussianBlur):
    """A kernel that does not sum to one."""

    def apply(self, image, params):
        return 1.01 * super().apply(image, params)


class Stuck(GaussianNoise):
    """Every image gets the same draw."""

    def sample(self, frame, rng):
        return super().sample(frame, ImageRng([0] * len(rng)))


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (check_replay, Unseeded),
        (check_images_are_independent, BatchSeeded),
        (check_size_and_dtype, WrongSize),
        (check_purity, InPlace),
        (check_linear, Unnormalized),
        (check_draws_differ, Stuck),
        (check_range, Unclipped),
        (check_refuses_nan, Blind),
    ],
)
def test_contract_rejects_its_mutants(check, mutant: type[Degradation]) -> None:
    with pytest.raises(ContractError):
        check(mutant())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", NAMES)
def test_a_gpu_agrees_to_one_level(name: str) -> None:
    """Of 8 bits, where operators round or code, a value on the edge may fall on either side: few may be further off."""
    operator, x = build(name), images(len(SEEDS), 64, 48)
    params = operator.draw(x, ImageRng(SEEDS))
    here, there = operator.apply(x, params), operator.apply(x.cuda(), params).cpu()
    assert ((here - there).abs() > 1.01 / 255).float().mean() < 1e-3


def test_sizes_of_fractional_scales() -> None:
    down = DEGRADATIONS.build({"type": "Downscale", "scale": 2.8})
    for side in range(1, 60):
        y = down(torch.rand(1, 3, side, 42), ImageRng([1]))
        assert down.out_size((side, 42), NoParams()) == tuple(y.shape[-2:])


def test_quantize_has_the_levels_of_a_file() -> None:
    y = Quantize()(images() * 1.2 - 0.1, ImageRng([1, 2, 3]))
    assert torch.equal((y * 255).round() / 255, y)
    assert y.min() >= 0
    assert y.max() <= 1


def test_compose_keeps_an_operators_draws_when_another_is_added_behind_it() -> None:
    x = images()
    short = Compose(steps=[{"type": "GaussianBlur"}])
    params = short.draw(x, ImageRng([1, 2, 3])).steps[0]
    longer = Compose(steps=[{"type": "GaussianBlur"}, {"type": "JPEG"}])
    assert torch.equal(longer.draw(x, ImageRng([1, 2, 3])).steps[0].sigma, params.sigma)


def test_compose_refuses_the_parameters_of_another_chain() -> None:
    one, other = Compose(steps=[{"type": "Clip"}]), Compose(steps=[{"type": "JPEG"}])
    data = one.params_to_json(one.sample(Frame((4, 4), (4, 4)), ImageRng([1])))
    with pytest.raises(ValueError, match="of Clip, the chain has JPEG"):
        other.params_from_json(data)


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        ({"type": "GaussianBlur", "size": 20}, "odd"),
        ({"type": "GaussianBlur", "sigma": (3.0, 1.0)}, "two rising numbers"),
        ({"type": "Downscale", "scale": 0}, "scale must be 1 or more"),
        ({"type": "JPEG", "quality": (0, 50)}, "two rising numbers from 1 to 100"),
        ({"type": "GaussianBlr"}, "did you mean 'GaussianBlur'"),
        ({"type": "GaussianBlur", "sigm": (1.0, 2.0)}, "no key 'sigm'; did you mean 'sigma'"),
    ],
)
def test_bad_configs(cfg: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DEGRADATIONS.build(cfg)
