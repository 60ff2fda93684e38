"""Every registered time sampler has its law, one image at a time."""

import pytest
import torch

from cfmrestore.contracts.times import (
    CONTRACT,
    COUNT,
    check_images_are_independent,
    check_times,
    check_zeros,
    draw,
)
from cfmrestore.flows.times import LogitNormal, Stratified, TimeSampler, Uniform
from cfmrestore.plugins import ContractError
from cfmrestore.registry import TIME_SAMPLERS

TIME_SAMPLERS.import_from_location()
NAMES = sorted(TIME_SAMPLERS.module_dict)


@pytest.mark.parametrize("check", CONTRACT.checks)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, check) -> None:
    check(CONTRACT.make(name, {}))


class BatchStratified(Uniform):
    """Stratifies within the batch that it happens to see."""

    def draw(self, rng, number):
        return (torch.arange(len(rng)) + 0.5) / len(rng)


class Late(Uniform):
    """Beyond the data."""

    def draw(self, rng, number):
        return super().draw(rng, number) * 1.1


class NeverZero(Uniform):
    """Forgets how often it is to be 0."""

    def __call__(self, rng, number):
        return self.draw(rng, number)


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (check_images_are_independent, BatchStratified()),
        (check_times, Late()),
        (check_zeros, NeverZero(zero_probability=0.5)),
    ],
)
def test_contract_rejects_its_mutants(check, mutant: TimeSampler) -> None:
    with pytest.raises(ContractError):
        check(mutant)


@pytest.mark.parametrize("cls", [Uniform, Stratified])
def test_all_times_alike(cls: type[TimeSampler]) -> None:
    counts = torch.histc(draw(cls()), bins=10, min=0, max=1)
    assert (counts / COUNT - 0.1).abs().max() < 0.02


@pytest.mark.parametrize("first", [0, 17, 10**9])
def test_any_run_of_draws_is_stratified(first: int) -> None:
    t = draw(Stratified(), range(first, first + 16)).sort().values
    gaps = torch.cat([t, t[:1] + 1]).diff()
    assert gaps.max() < 1.9 / 16


def test_logit_normal() -> None:
    logits = draw(LogitNormal(mean=0.5, std=0.8)).logit()
    assert abs(float(logits.mean()) - 0.5) < 0.05
    assert abs(float(logits.std()) - 0.8) < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_exact_zeros(name: str) -> None:
    t = draw(TIME_SAMPLERS.build({"type": name, "zero_probability": 0.25}))
    assert abs(float((t == 0).float().mean()) - 0.25) < 0.03


def test_bad_keys() -> None:
    with pytest.raises(ValueError, match="zero_probability"):
        Uniform(zero_probability=1.1)
    with pytest.raises(ValueError, match="std"):
        LogitNormal(std=0.0)
