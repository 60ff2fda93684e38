"""A plugin that breaks its contract is named where it is used, in one message."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from cfmrestore.conditions import LowRes
from cfmrestore.contracts.degradations import images
from cfmrestore.contracts.inverse_solvers import DOWN, SIZE, solve
from cfmrestore.couplings import Independent
from cfmrestore.datasets import Digits
from cfmrestore.datasets.transforms import Transform
from cfmrestore.degradations import Clip, Compose, Downscale
from cfmrestore.encoders import Encoder, Identity
from cfmrestore.flows.losses import MSE
from cfmrestore.flows.times import Uniform
from cfmrestore.inverse import Flower
from cfmrestore.networks import Network
from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import ContractError
from cfmrestore.registry import MODELS
from cfmrestore.solvers import Euler
from tests.restore.flows import config_of


class Announced(Downscale):
    def out_size(self, size, params):
        return size


class Doubled(Clip):
    def apply(self, image, params):
        return image.double()


class Greedy(Euler):
    def step(self, v, x, t, h, memory):
        v(x, t)
        return super().step(v, x, t, h, memory)


class Growing(Euler):
    def step(self, v, x, t, h, memory):
        return torch.cat([x, x]), memory


class Untold(LowRes):
    def __init__(self, *, latent_channels: int) -> None:
        super().__init__(latent_channels=latent_channels)
        self.context_channels = 5


class Shrinking(Network):
    def __init__(self, *, channels: int, context_channels: int = 0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, x, t, context=None):
        return self.weight * x[..., ::2]


class Uninformed(Network):
    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(channels)

    def forward(self, x, t):
        return self.norm(x) * t[:, None, None, None]


class Summed(MSE):
    def __call__(self, prediction):
        return super().__call__(prediction).mean()


class Late(Uniform):
    def __call__(self, rng, number):
        return super().__call__(rng, number)[None]


class Coarse(Identity):
    downscale = 2


class Unscaled(Encoder):
    channels, downscale = 3, 1

    def moments(self, image):
        return image

    def decode(self, latent):
        return latent


class Bare(Independent):
    def source(self, low, rng, execution):
        return super().source(low, rng, execution).x_0

    def start(self, low, rng, execution):
        return self.source(low, rng, execution)


class Double(Flower):
    def walk(self, v, x, problem, path, rng):
        return super().walk(lambda x, t: (v(x, t) + v(x, t)) / 2, x, problem, path, rng)


class Floating(Transform):
    def __call__(self, sample, seed):
        return {part: pixels / np.float32(255) for part, pixels in sample.items()}


def train(**keys: Any) -> None:
    flow = MODELS.build(config_of(scale=2, **keys))
    flow.loss(seeds=torch.tensor([0, 1]), numbers=torch.tensor([0, 1]), high=images(2, 16, 16), low=images(2, 8, 8))


def restore(**keys: Any) -> None:
    MODELS.build(config_of(**keys)).restore(images(1, 4, 4), torch.tensor([0]))


CASES: dict[str, tuple[Callable[[], object], str]] = {
    "degradation": (
        lambda: Compose(steps=[Clip(), Announced(scale=2)])(images(2), ImageRng([1, 2])),
        r"Announced breaks the contract of a degradation .* apply makes \(2, 3, 12, 16\), .* where \(2, 3, 24, 32\)",
    ),
    "type": (lambda: Doubled()(images(2), ImageRng([1, 2])), "Doubled .* torch.float64"),
    "count": (
        lambda: restore(sampling={"solver": {"type": Greedy}, "num_intervals": 3}),
        r"Greedy breaks the contract of a solver \(docs/plugins.md\): 6 function evaluations were counted on 3 "
        r"intervals, 3 are declared .* cfmrestore check-plugin Greedy",
    ),
    "point": (lambda: restore(sampling={"solver": {"type": Growing}}), "Growing breaks .* step makes"),
    "condition": (lambda: train(conditions=[{"type": Untold}]), "Untold breaks .* embed tells {'context': "),
    "network": (
        lambda: train(network={"type": Shrinking}),
        r"Shrinking breaks the contract of a network .* of x \(2, 12, 8, 8\) it makes v \(2, 12, 8, 4\)",
    ),
    "untold network": (
        lambda: train(network={"type": Uninformed}),
        "Uninformed breaks .* forward takes no context, .* add the keyword, and context_channels to the constructor",
    ),
    "loss": (lambda: train(loss={"type": Summed}), r"Summed breaks .* of a loss .*: of 2 images it makes \(\)"),
    "times": (lambda: train(times={"type": Late}), r"Late breaks .* of a time sampler .* draws \(1, 2\)"),
    "encoder": (
        lambda: train(encoder={"type": Coarse}),
        r"Coarse breaks .* of an encoder .* a latent of \(2, 3, 16, 16\)",
    ),
    "encoder without a scale": (
        lambda: Unscaled().encode(images(1)),
        r"Unscaled breaks the contract of an encoder \(docs/plugins.md\): it has no shift: set channels, ",
    ),
    "encoder in a flow": (lambda: train(encoder={"type": Unscaled}), "Unscaled breaks .* it has no shift"),
    "digest": (lambda: Unscaled().digest(), "Unscaled breaks .* it has no scale"),
    "coupling": (
        lambda: train(coupling={"type": Bare}),
        r"Bare breaks the contract of a coupling \(docs/plugins.md\): its start is a Tensor, where a Source ",
    ),
    "coupling in use": (
        lambda: restore(coupling={"type": Bare}),
        "Bare breaks .* its start is a Tensor, .* cfmrestore check-plugin Bare",
    ),
    "inverse": (
        lambda: solve(Double(steps=2), DOWN(images(1)), DOWN, SIZE),
        "Double breaks the contract of an inverse problem solver .* after 4 evaluations, where a latent of .* after 2 ",
    ),
    "transform": (lambda: Digits(pipeline=[Floating()])[0], "Floating breaks the contract of a transform"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message_names_the_contract(case: str) -> None:
    run, message = CASES[case]
    with pytest.raises(ValueError, match=message) as caught:
        run()
    assert "\n" not in str(caught.value)


def test_the_message_passes_from_one_process_to_another() -> None:
    with pytest.raises(ContractError) as caught:
        Doubled()(images(2), ImageRng([1, 2]))
    error = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(error, ContractError)
    assert str(error) == str(caught.value)
