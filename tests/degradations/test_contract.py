"""Every registered degradation replays, treats images one by one, and keeps its algebra."""

import json

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations import Clip, Compose, Degradation, Downscale, GaussianBlur, GaussianNoise, Quantize
from cfmrestore.degradations.base import NoParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame

DEGRADATIONS.import_from_location()
NOISY = [
    {"type": "GaussianBlur", "size": (3, 9)},
    {"type": "GaussianNoise", "gray_probability": 0.5},
    {"type": "JPEG"},
]
NEEDED = {
    "Compose": {"steps": [*NOISY, {"type": "Downscale", "scale": 2}]},
    "OneOf": {"steps": NOISY, "weights": [1, 2, 0.5]},
    "Maybe": {"step": NOISY[1]},
    "Shuffle": {"steps": NOISY},
    "Repeat": {"steps": NOISY, "times": (0, 2)},
    "PerImage": {"steps": [{"type": "RandomResize"}, NOISY[1], {"type": "ResizeTo", "scale": 2}]},
    "BoundedMask": {"mask": {"type": "MixedMask"}},
    "Albumentations": {"transforms": [{"type": "RandomFog", "p": 1.0}]},
    "RandomResize": {"factor": (0.5, 0.5), "probabilities": (0, 1, 0)},
}
NAMES = sorted(DEGRADATIONS.module_dict)
SEEDS = [1, 2, 3, 4, 5]


def build(name: str) -> Degradation:
    return DEGRADATIONS.build({"type": name, **NEEDED.get(name, {})})


def images(batch: int = len(SEEDS), height: int = 24, width: int = 32) -> Tensor:
    """Noise over a smooth pattern: flat and lively places, all values of the range."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.linspace(0, 5, height), torch.linspace(0, 6, width), indexing="ij")
    waves = torch.stack([torch.sin(x + k) * torch.cos(y - k) for k in range(3)]) * 0.4 + 0.5
    return (waves + 0.2 * torch.randn(batch, 3, height, width, generator=generator)).clamp(0, 1)


def check_replay(degradation: Degradation) -> None:
    """From parameters, from JSON, and from the seeds again: the same bytes."""
    x = images()
    params = degradation.draw(x, ImageRng(SEEDS))
    first = degradation.apply(x, params)
    again = degradation.params_from_json(json.loads(json.dumps(degradation.params_to_json(params))))
    torch.rand(1)
    assert torch.equal(degradation.apply(x, again), first)
    assert torch.equal(degradation(x, ImageRng(SEEDS)), first)


def check_images_are_independent(degradation: Degradation) -> None:
    """Image i gets the same bytes alone, in another batch, and on another number of threads."""
    for height, width in ((24, 32), (130, 97)):
        x = images(len(SEEDS), height, width)
        together = degradation(x, ImageRng(SEEDS))
        threads = torch.get_num_threads()
        for part in ([1], [3, 4], [4, 0, 2]):
            torch.set_num_threads(3 - min(threads, 2))
            some = degradation(x[part], ImageRng(SEEDS).pick(part))
            torch.set_num_threads(threads)
            assert torch.equal(some, together[part])


def check_size_and_dtype(degradation: Degradation) -> None:
    for height, width in ((24, 32), (17, 9), (1, 1)):
        x = images(2, height, width)
        params = degradation.draw(x, ImageRng([1, 2]))
        y = degradation.apply(x, params)
        assert tuple(y.shape[-2:]) == degradation.out_size((height, width), params)
        assert y.shape[:2] == (2, 3)
        assert y.dtype == torch.float32
        assert y.isfinite().all()


def check_purity(degradation: Degradation) -> None:
    x = images()
    before = x.clone()
    degradation(x, ImageRng(SEEDS))
    assert torch.equal(x, before)


def check_linear(degradation: Degradation) -> None:
    x, y = images(), images().flip(-1)
    params = degradation.draw(x, ImageRng(SEEDS))

    def apply(image: Tensor) -> Tensor:
        return degradation.apply(image, params)

    assert torch.allclose(apply(2 * x - 3 * y), 2 * apply(x) - 3 * apply(y), atol=1e-5)
    constant = torch.full_like(x, 0.3)
    assert torch.allclose(apply(constant), torch.full_like(apply(x), 0.3), atol=1e-6)


def check_range(degradation: Degradation) -> None:
    y = degradation(3 * images() - 1, ImageRng(SEEDS))
    assert 0 <= y.min() <= y.max() <= 1


def check_draws_differ(degradation: Degradation) -> None:
    """What draws anything draws something else for another image."""
    x = images(1).expand(40, -1, -1, -1).contiguous()
    params = degradation.draw(x, ImageRng(range(40)))
    if not isinstance(params, NoParams):
        assert not all(
            torch.equal(one, other) for one, other in zip(*[iter(degradation.apply(x, params))] * 2, strict=True)
        )


CHECKS = [check_replay, check_images_are_independent, check_size_and_dtype, check_purity, check_draws_differ]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check) -> None:
    check(build(name))


@pytest.mark.parametrize("name", [name for name in NAMES if DEGRADATIONS.get(name).linear])
def test_linear_operators_are_linear(name: str) -> None:
    check_linear(build(name))


@pytest.mark.parametrize("name", [name for name in NAMES if DEGRADATIONS.get(name).clips])
def test_what_clips_stays_in_range(name: str) -> None:
    check_range(build(name))


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
        (check_range, GaussianBlur),
    ],
)
def test_contract_rejects_its_mutants(check, mutant: type[Degradation]) -> None:
    with pytest.raises(AssertionError):
        check(mutant())


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_one_clear_error(name: str) -> None:
    x = images()
    x[1, 2, 3, 4] = float("nan")
    with pytest.raises(ValueError, match="holds NaN or infinite values"):
        build(name)(x, ImageRng(SEEDS))


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
