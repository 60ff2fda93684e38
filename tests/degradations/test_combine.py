"""Combinators: shares, orders, counts, sizes, and what they refuse."""

import json

import pytest
import torch

from cfmrestore.degradations import Maybe, OneOf, PerImage, Repeat, Shuffle
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS

HALF, LESS = {"type": "Gain", "factor": 0.5}, {"type": "Gain", "factor": 0.9}
ONES = torch.ones(2000, 3, 1, 1)
RNG = range(2000)


@pytest.fixture(autouse=True)
def gain():
    """An operator whose traces can be counted: it multiplies."""
    from cfmrestore.degradations import Fixed

    class Gain(Fixed):
        def __init__(self, *, factor: float = 0.5, add: float = 0.0) -> None:
            self.factor, self.add = factor, add

        def apply(self, image, params):
            return self.factor * image + self.add

    DEGRADATIONS.register_module(module=Gain, force=True)
    yield
    DEGRADATIONS.module_dict.pop("Gain")


def shares(y: torch.Tensor) -> dict[float, float]:
    values, counts = y[:, 0, 0, 0].mul(1e4).round().div(1e4).unique(return_counts=True)
    return dict(zip([round(v, 4) for v in values.tolist()], (counts / len(y)).tolist(), strict=True))


def test_one_of_has_the_weights() -> None:
    found = shares(OneOf(steps=[HALF, LESS], weights=[1, 3])(ONES, ImageRng(RNG)))
    assert found == {0.5: pytest.approx(0.25, abs=0.03), 0.9: pytest.approx(0.75, abs=0.03)}


def test_maybe_has_the_probability() -> None:
    found = shares(Maybe(step=HALF, probability=0.8)(ONES, ImageRng(RNG)))
    assert found == {0.5: pytest.approx(0.8, abs=0.03), 1.0: pytest.approx(0.2, abs=0.03)}
    assert shares(Maybe(step=HALF, probability=0.0)(ONES, ImageRng(RNG))) == {1.0: 1.0}


def test_repeat_draws_the_number_of_rounds() -> None:
    found = shares(Repeat(steps=[HALF], times=(1, 3))(ONES, ImageRng(RNG)))
    assert found == {value: pytest.approx(1 / 3, abs=0.04) for value in (0.5, 0.25, 0.125)}
    noise = {"type": "GaussianNoise", "sigma": (25.5, 25.5)}
    twice = Repeat(steps=[noise], times=2)(torch.zeros(4, 3, 64, 64), ImageRng(range(4)))
    assert float(twice.std()) == pytest.approx(0.1 * 2**0.5, rel=0.02)  # every round draws anew


def test_shuffle_has_all_orders_and_keeps_those_that_are_fixed() -> None:
    """x -> x/2 and x -> x + 1 and x -> 3x do not commute: the result tells the order."""
    steps = [HALF, {"type": "Gain", "factor": 1.0, "add": 1.0}, {"type": "Gain", "factor": 3.0}]
    found = shares(Shuffle(steps=steps)(ONES, ImageRng(RNG)))
    # from 1: +1 last gives 2.5 (two orders), first gives 3 (two), between them 3*(0.5+1) or (3+1)/2
    assert found == {
        2.0: pytest.approx(1 / 6, abs=0.03),
        2.5: pytest.approx(1 / 3, abs=0.03),
        3.0: pytest.approx(1 / 3, abs=0.03),
        4.5: pytest.approx(1 / 6, abs=0.03),
    }
    fixed = shares(Shuffle(steps=steps, in_order=(0, 1))(ONES, ImageRng(RNG)))
    assert set(fixed) == {2.5, 4.5}  # halving comes before adding


def test_per_image_lets_sizes_differ_on_the_way() -> None:
    chain = PerImage(steps=[{"type": "RandomResize"}, {"type": "ResizeTo", "scale": 2}])
    x = torch.rand(6, 3, 20, 31)
    params = chain.draw(x, ImageRng(range(6)))
    assert len({tuple(one.steps[0].size[0].tolist()) for one in params.images}) > 1
    assert chain.apply(x, params).shape == (6, 3, 10, 16)
    second = PerImage(steps=[{"type": "RandomResize", "factor": (0.5, 0.5), "probabilities": (0, 1, 0)}] * 2)
    assert second(x, ImageRng(range(6))).shape == (6, 3, 5, 7)
    origin = {"type": "RandomResize", "factor": (0.5, 0.5), "probabilities": (0, 1, 0), "origin_scale": 2}
    assert PerImage(steps=[{"type": "RandomResize"}, origin])(x, ImageRng(range(6))).shape == (6, 3, 5, 7)


@pytest.mark.parametrize(
    "cfg",
    [
        {"type": "RandomResize"},
        {"type": "PerImage", "steps": [{"type": "RandomResize"}]},
        {"type": "OneOf", "steps": [{"type": "Downscale", "scale": 2}, {"type": "Clip"}]},
        {"type": "Shuffle", "steps": [{"type": "RandomResize"}, {"type": "Clip"}]},
        {"type": "Repeat", "steps": [{"type": "Downscale", "scale": 2}], "times": (0, 2)},
    ],
    ids=lambda cfg: cfg["type"],
)
def test_several_sizes_in_one_batch_are_one_clear_error(cfg: dict) -> None:
    with pytest.raises(ValueError, match="several sizes"):
        DEGRADATIONS.build(cfg)(torch.rand(8, 3, 32, 32), ImageRng(range(8)))


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        ({"type": "Compose", "steps": "JPEG"}, "list of operators|Type-check error"),
        ({"type": "Compose", "steps": [5]}, "a step must be an operator|Type-check error"),
        ({"type": "OneOf", "steps": []}, "one weight"),
        ({"type": "OneOf", "steps": [HALF], "weights": [1, 2]}, "one weight"),
        ({"type": "OneOf", "steps": [HALF], "weights": [-1]}, "one weight"),
        ({"type": "Maybe", "step": HALF, "probability": 1.5}, "probability"),
        ({"type": "Repeat", "steps": [HALF], "times": (3, 1)}, "low <= high"),
        ({"type": "Shuffle", "steps": [HALF], "in_order": (0, 1)}, "in_order"),
        ({"type": "RandomResize", "factor": (2, 1)}, "factor must be two rising numbers"),
        ({"type": "RandomResize", "kernels": ("cubic",)}, "unknown kernel 'cubic'"),
        ({"type": "RandomResize", "kernels": ()}, "one or more kernels"),
        ({"type": "RandomResize", "probabilities": (1, 1)}, "growing, shrinking and keeping"),
        ({"type": "ResizeTo", "scale": 0}, "scale must be positive"),
        ({"type": "GaussianBlur", "size": (7, 20)}, "odd"),
        ({"type": "JPEG", "quality": (0, 95)}, "quality must be two rising numbers from 1 to 100"),
        ({"type": "SincBlur", "cutoff": (0.1, 4.0)}, "cutoff must be two rising numbers"),
    ],
)
def test_bad_configs(cfg: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DEGRADATIONS.build(cfg)


def test_parameters_of_another_chain_are_refused() -> None:
    one = OneOf(steps=[HALF, LESS])
    data = one.params_to_json(one.draw(ONES[:3], ImageRng(range(3))))
    with pytest.raises(ValueError, match="no number"):
        OneOf(steps=[HALF]).params_from_json({"groups": [{**data["groups"][0], "operator": 5}]})
    with pytest.raises(ValueError, match="parameters of GaussianNoise are"):
        DEGRADATIONS.build({"type": "GaussianNoise"}).params_from_json({"sigma": 1})
    shuffle = Shuffle(steps=[HALF, LESS])
    stored = json.loads(json.dumps(shuffle.params_to_json(shuffle.draw(ONES[:1], ImageRng([1])))))
    stored["images"][0]["order"] = [0, 0]
    with pytest.raises(ValueError, match="hold the 2 operators once"):
        shuffle.params_from_json(stored)
