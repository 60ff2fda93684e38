"""Contracts whose kinds are tested elsewhere plugin by plugin: every plugin passes, every mutant is refused."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from cfmrestore.contracts import CONTRACTS, ContractError, Finding
from cfmrestore.contracts import datasets as dataset_checks
from cfmrestore.contracts import encoders as encoder_checks
from cfmrestore.contracts import features as feature_checks
from cfmrestore.contracts import losses as loss_checks
from cfmrestore.contracts import metrics as metric_checks
from cfmrestore.contracts import networks as network_checks
from cfmrestore.contracts import transforms as transform_checks
from cfmrestore.contracts.base import Contract, check_constructor, run_check
from cfmrestore.contracts.paths import check_precision, check_straight
from cfmrestore.datasets import Digits
from cfmrestore.datasets.transforms import RandomCrop
from cfmrestore.encoders import Haar, Identity
from cfmrestore.evaluation.metrics import NFE, PSNR
from cfmrestore.features import SeededNet
from cfmrestore.flows.losses import MSE
from cfmrestore.paths import GVP
from cfmrestore.registry import REGISTRIES
from tests.degradations.test_contract import Unseeded

NEEDS_FILES = {"DISTS", "PyIQA", "MapAccuracy"}  # weights, or a training


def named(kind: str) -> list[str]:
    REGISTRIES[kind].import_from_location()
    own = {name: cls.__module__ for name, cls in REGISTRIES[kind].module_dict.items()}
    return sorted(name for name, module in own.items() if module.startswith("cfmrestore."))


def broken(contract: Contract, name: str) -> list[Finding]:
    built = [contract.make(name, keys) for keys in contract.cases_of(name)]
    return [finding for plugin in built for finding in contract.findings(plugin) if finding.broken]


def test_every_registry_has_a_contract() -> None:
    assert CONTRACTS.keys() == REGISTRIES.keys()
    for contract in CONTRACTS.values():
        assert contract.checks or contract.unchecked
        assert all(check.__doc__ for check in contract.checks)


@pytest.mark.parametrize("name", sorted(set(named("metric")) - NEEDS_FILES))
def test_metrics(name: str) -> None:
    assert not broken(CONTRACTS["metric"], name)


@pytest.mark.parametrize("name", named("transform"))
def test_transforms(name: str) -> None:
    assert not broken(CONTRACTS["transform"], name)


@pytest.mark.parametrize("name", ["Digits", "Scenes", "Avatars", "Mixture"])
def test_datasets_that_make_their_images(name: str) -> None:
    assert not broken(CONTRACTS["dataset"], name)


@pytest.mark.parametrize("kind", ["hook", "loop", "runner", "model", "data sampler", "optimizer wrapper"])
def test_shells(kind: str) -> None:
    contract = CONTRACTS[kind]
    assert named(kind)
    assert not any(broken(contract, name) for name in named(kind))
    (finding,) = contract.findings(Identity)
    assert finding.broken == "Identity derives from Encoder"


class OfTheBatch(PSNR):
    """Depends on how many images came before in its batch."""

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.first = data_samples[0]["name"]
        super().process(data_batch, data_samples)

    def measure(self, image, target, sample):
        return super().measure(image, target, sample) + (sample["name"] == self.first)


class Positional(GVP):
    """Takes its setting by place."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale


class OpenEnded(GVP):
    """Takes whatever it is given."""

    def __init__(self, **keys: float) -> None:
        self.keys = keys


class Upside(PSNR):
    """Says that lower is better."""

    higher_is_better = False


class Tensorial(PSNR):
    """Gives no number."""

    def measure(self, image, target, sample):
        return float("nan")


class Wordless(PSNR):
    """Columns without a direction."""

    columns: ClassVar[dict] = {"PSNR": "up"}


class ReversedInput(RandomCrop):
    """Cuts the input elsewhere, to another size."""

    def __call__(self, sample, seed):
        made = super().__call__(sample, seed)
        return {**made, "low": made["low"][:-3]}


class Floating(RandomCrop):
    """Turns images into floats."""

    def __call__(self, sample, seed):
        made = super().__call__(sample, seed)
        return {**made, "high": made["high"] / 255}


class Reseeded(RandomCrop):
    """Draws from the global generator."""

    def __call__(self, sample, seed):
        return super().__call__(sample, int(np.random.randint(2**31)))  # noqa: NPY002


class Writing(RandomCrop):
    """Darkens what it is given."""

    def __call__(self, sample, seed):
        sample["high"] //= 2
        return super().__call__(sample, seed)


class FlipsTheTarget(RandomCrop):
    """Mirrors the target alone."""

    def __call__(self, sample, seed):
        made = super().__call__(sample, seed)
        return {**made, "high": made["high"][:, ::-1].copy()}


class CutsApart(RandomCrop):
    """Cuts target and input at places of their own."""

    def __call__(self, sample, seed):
        return {**super().__call__(sample, seed), "low": super().__call__(sample, seed + 1)["low"]}


class LeavesThePeer(RandomCrop):
    """Mirrors a pair, and not what a peer made of it."""

    def __call__(self, sample, seed):
        made = super().__call__(sample, seed)
        return {key: one if key == "peer" else one[::-1].copy() for key, one in made.items()}


class SometimesWriting(RandomCrop):
    """Darkens what it is given under odd seeds."""

    def __call__(self, sample, seed):
        sample["high"] //= 1 + seed % 2
        return super().__call__(sample, seed)


class OfAllImages(MSE):
    """The mean of the batch, for each image."""

    def __call__(self, prediction):
        each = super().__call__(prediction)
        return each.mean().expand(len(each))


class Restless(MSE):
    """Draws from the global generator."""

    def __call__(self, prediction):
        return super().__call__(prediction) * (1 + torch.rand(()))


class SeesColumns(nn.Module):
    """Says that it sees one sample far, and takes the mean of whole columns."""

    reach = 1

    def forward(self, x, t):
        return x - x.mean(dim=-2, keepdim=True)


class OfDoublePrecision(nn.Module):
    """Returns another type than it gets."""

    def forward(self, x, t):
        return x.double()


class SeesAll(Haar):
    """Says that it sees nothing beyond its place, and adds the mean of the picture."""

    def moments(self, image):
        return super().moments(image) + image.mean()


class DoublePath(GVP):
    """Coefficients of float64."""

    def coefficients(self, t):
        return super().coefficients(t.double())


class TrainsInside(SeededNet):
    """A part of it stays in the mode of training."""

    def train(self, mode=True):
        super().train(mode)
        next(iter(self.children())).training = True
        return self


class Wide(Digits):
    """Gray images."""

    def inputs(self, index, seed):
        return {**super().inputs(index, seed), "high": torch.zeros(1, 8, 8)}


class Unnamed(Digits):
    """All images have one name."""

    def name(self, index):
        return "digit"


class Unlisted(Digits):
    """Classes from 1 on."""

    def label(self, index):
        return super().label(index) + 1


class Rolling(Digits):
    """Another image whenever it is asked."""

    asked = 0

    def parts(self, index, seed):
        self.asked += 1
        return super().parts(index + self.asked, seed)


class Bent(GVP):
    """Says that it is straight."""

    is_straight = True


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (metric_checks.check_split, OfTheBatch),
        (metric_checks.check_direction, Upside),
        (metric_checks.check_values, Tensorial),
        (metric_checks.check_columns, Wordless),
        (transform_checks.check_pairs, lambda: ReversedInput(size=32)),
        (transform_checks.check_parts, lambda: Floating(size=32)),
        (transform_checks.check_seed, lambda: Reseeded(size=32)),
        (transform_checks.check_purity, lambda: Writing(size=32)),
        (transform_checks.check_pairs, lambda: FlipsTheTarget(size=32)),
        (transform_checks.check_pairs, lambda: CutsApart(size=32)),
        (transform_checks.check_pairs, lambda: LeavesThePeer(size=32)),
        (transform_checks.check_purity, lambda: SometimesWriting(size=32)),
        (loss_checks.check_images_are_independent, OfAllImages),
        (loss_checks.check_images_are_independent, Restless),
        (network_checks.check_reach, SeesColumns),
        (network_checks.check_shapes, OfDoublePrecision),
        (encoder_checks.check_reach, lambda: SeesAll(factor=4)),
        (check_precision, DoublePath),
        (feature_checks.check_frozen, TrainsInside.load),
        (dataset_checks.check_samples, Wide),
        (dataset_checks.check_names, Unnamed),
        (dataset_checks.check_labels, Unlisted),
        (dataset_checks.check_draws, Rolling),
        (check_straight, Bent),
        (check_constructor, Positional),
        (check_constructor, OpenEnded),
    ],
)
def test_mutants(check: Callable[[Any], object], mutant: Callable[[], Any]) -> None:
    finding = run_check(check, mutant())
    assert finding.broken
    assert finding.promise


def test_constructors_without_parameters_and_of_mmengine_are_left_alone() -> None:
    for plugin in (Identity(), NFE(), GVP()):
        assert run_check(check_constructor, plugin).broken is None


def test_an_exception_is_a_promise_broken_with_its_place() -> None:
    def check_calls(plugin: Any) -> None:
        """It can be called."""
        plugin()

    def fails() -> None:
        raise KeyError("scale")

    finding = run_check(check_calls, fails)
    assert finding.name == "calls"
    assert finding.promise == "It can be called"
    assert finding.broken is not None
    assert finding.broken.startswith("it fails: KeyError: 'scale' (")
    assert "test_mutants.py, line " in finding.broken


def test_another_base_is_all_that_is_said() -> None:
    findings = list(CONTRACTS["solver"].findings(nn.Identity()))
    assert [finding.broken for finding in findings] == ["Identity derives from Module"]
    unseeded = [one.name for one in CONTRACTS["degradation"].findings(Unseeded()) if one.broken]
    assert "replay" in unseeded
    with pytest.raises(ContractError, match="it draws"):
        CONTRACTS["degradation"].checks[1](Unseeded())
