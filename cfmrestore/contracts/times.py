"""Contract of time samplers: a time an image, of its own."""

import torch
from torch import Tensor

from cfmrestore.contracts.base import Contract, require, shape
from cfmrestore.flows.times.base import TimeSampler
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import TIME_SAMPLERS

COUNT = 4000


def draw(sampler: TimeSampler, numbers: range = range(COUNT)) -> Tensor:
    """The times of images of these numbers, which are their seeds too."""
    return sampler(ImageRng(numbers), torch.tensor(list(numbers)))


def check_times(sampler: TimeSampler) -> None:
    """One time an image, in float32, from 0 to 1."""
    t = draw(sampler)
    require(t.shape == (COUNT,), f"of {COUNT} images it draws {shape(t)}: one time an image")
    require(t.dtype == torch.float32, f"times are {t.dtype}: return float32")
    require(t.min() >= 0 and t.max() <= 1, f"times from {float(t.min()):g} to {float(t.max()):g}: 0 to 1 is allowed")


def check_images_are_independent(sampler: TimeSampler) -> None:
    """The time of an image does not depend on its batch."""
    own = torch.equal(draw(sampler, range(100, 110)), draw(sampler)[100:110])
    require(own, "an image gets another time in another batch: draw from its rng, or its number, alone")


def check_zeros(sampler: TimeSampler) -> None:
    """The time is exactly 0 as often as zero_probability says."""
    share = float((draw(sampler) == 0).float().mean())
    require(
        abs(share - sampler.zero_probability) < 0.03,
        f"{share:.3f} of the times are 0, zero_probability says {sampler.zero_probability}: leave __call__ as it is",
    )


CONTRACT = Contract(
    TIME_SAMPLERS,
    TimeSampler,
    (check_times, check_images_are_independent, check_zeros),
    unchecked="the law of the times, which is its own",
)
