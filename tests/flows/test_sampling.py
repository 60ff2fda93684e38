"""The dial between mean and sample, against Gaussians whose answer is known."""

import math
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from cfmrestore.couplings.source import scale_noise
from cfmrestore.flows.sampling import Sampling, Start, estimate_posterior_mean, sample
from cfmrestore.paths import Linear
from cfmrestore.typing import Source

N, S, TAU = 200_000, 0.5, 0.1
POSTERIOR = 0.3  # standard deviation of x_1 given the input


def gaussian() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Means given inputs, true ends, and noise of the start: all of one pixel each."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda: torch.randn(N, 1, 1, 1, dtype=torch.float64, generator=generator)  # noqa: E731
    mean = S * draw()
    return mean, mean + POSTERIOR * draw(), draw()


def velocity(mean: torch.Tensor):  # type: ignore[no-untyped-def]
    """Of the flow from N(c, TAU^2) to N(mean, POSTERIOR^2) where c = mean: the network is told the mean."""

    def v(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        variance = ((1 - t) * TAU) ** 2 + (t * POSTERIOR) ** 2
        return (t * POSTERIOR**2 - (1 - t) * TAU**2) / variance * (x - mean)

    return v


@pytest.mark.parametrize("fidelity", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("even", [False, True])
def test_the_error_follows_the_law_of_distortion_and_perception(fidelity: float, even: bool) -> None:
    mean, truth, noise = gaussian()
    sampling = Sampling(solver={"type": "RK4"}, num_intervals=32, fidelity=fidelity, even_dial=even)
    estimate = estimate_posterior_mean(velocity(mean), mean, Linear())
    end = sample(Start(velocity(mean), mean + TAU * noise, estimate), Linear(), sampling).x
    error = float((end - truth).square().mean())
    share = (1 - fidelity) ** (0.5 if even else 1)
    assert error == pytest.approx(POSTERIOR**2 * (1 + share**2), rel=0.01)
    assert float((end - mean).std()) == pytest.approx(share * POSTERIOR, rel=0.01, abs=1e-6)


@pytest.mark.parametrize(("fidelity", "nfe"), [(0.0, 8), (0.5, 8), (1.0, 0)])
def test_the_cost_is_declared_and_counted(fidelity: float, nfe: int) -> None:
    sampling = Sampling(solver={"type": "Heun"}, num_intervals=4, fidelity=fidelity)
    x = torch.zeros(1, 1, 1, 1)
    assert sample(Start(velocity(x), x, x), Linear(), sampling).nfe == nfe
    assert sampling.nfe == nfe + (fidelity > 0)
    assert replace(sampling, noise_contrast_limit=0.2).nfe == nfe + 1


def test_less_noise_at_the_start_spreads_less() -> None:
    mean, _, noise = gaussian()
    spreads = []
    for factor in (0.0, 0.5, 1.0):
        source = Source(mean + TAU * noise, mean, torch.full_like(mean, TAU))
        scaled = scale_noise(source, factor)
        assert torch.allclose(scaled.std, factor * source.std)
        end = sample(Start(velocity(mean), scaled.x_0), Linear(), Sampling(solver={"type": "RK4"}, num_intervals=32))
        spreads.append(float((end.x - mean).std()))
    assert spreads == pytest.approx([0, 0.5 * POSTERIOR, POSTERIOR], rel=0.01, abs=1e-9)


def test_noise_fades_where_the_mean_has_contrast() -> None:
    """Stripes of 1 and -1 times a have the deviation a sqrt(1 - 1/25) in a window of 5 columns."""
    stripes = torch.ones(16, dtype=torch.float64).cumsum(0) % 2 * 2 - 1
    estimate = torch.zeros(1, 2, 16, 32, dtype=torch.float64)
    estimate[..., 16:] = 0.1 * stripes
    ones = torch.ones_like(estimate)
    source = Source(3 + TAU * ones, 3 * ones, TAU * ones, estimate=estimate)
    scaled = scale_noise(source, Sampling(noise=1.5, noise_contrast_limit=0.2).noise_factor(estimate))
    striped = 1.5 * TAU * (1 - 0.1 * math.sqrt(1 - 1 / 25) / 0.2)
    assert torch.allclose(scaled.std[..., :14], 1.5 * TAU * ones[..., :14])
    assert torch.allclose(scaled.std[..., 18:30], striped * ones[..., 18:30])
    assert torch.allclose(scaled.x_0, 3 + scaled.std)
    factor = Sampling(noise_contrast_limit=0.05).noise_factor(estimate)
    assert not scale_noise(source, factor).std[..., 18:30].any()


def test_changes_keep_the_rest() -> None:
    sampling = Sampling(
        solver={"type": "Heun"}, num_intervals=3, fidelity=0.5, consistency=True, noise_contrast_limit=0.3
    )
    changed = replace(sampling, num_intervals=7)
    assert (type(changed.solver).__name__, changed.num_intervals, changed.fidelity) == ("Heun", 7, 0.5)
    assert changed.consistency
    assert changed.noise_contrast_limit == 0.3
    assert replace(sampling, fidelity=0).fidelity == 0
    assert replace(sampling, noise_contrast_limit=None).noise_contrast_limit is None
    with pytest.raises(FrozenInstanceError):
        sampling.fidelity = 0.0


def test_listed_times_are_taken_as_they_are_listed() -> None:
    """Unless another number of intervals is asked for."""
    times, seen = [0.0, 0.1, 0.2, 0.5, 0.7, 0.9, 1.0], []

    def v(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        seen.append(float(t))
        return torch.zeros_like(x)

    sampling = Sampling(grid={"type": "ListedGrid", "times": times})
    assert sample(Start(v, torch.zeros(1, 1, 1, 1, dtype=torch.float64)), Linear(), sampling).nfe == sampling.nfe == 6
    assert seen == pytest.approx(times[:-1])
    assert replace(sampling, num_intervals=3).nfe == 3


def test_what_a_path_keeps_of_a_coupled_source_does_not_stay_in_the_result() -> None:
    """From c to 2 c + 1 by the exact velocity: the end is exact, where 1 % of c would have stayed."""
    path, c = Linear(sigma_min=0.01), torch.rand(1, 1, 4, 4, dtype=torch.float64)
    x_1 = 2 * c + 1

    def v(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return path.sample(c, x_1, t)[1]

    assert path.keeps_source
    assert torch.allclose(sample(Start(v, c, source_mean=c), path, Sampling()).x, x_1, atol=1e-12)
    assert torch.allclose(sample(Start(v, c), path, Sampling()).x, x_1 + 0.01 * c, atol=1e-12)


def test_a_network_is_told_the_noise_that_is_there() -> None:
    mean = torch.zeros(2, 1, 4, 4)
    source = Source(mean + 0.5, mean, mean + 0.5, noise_level=torch.tensor([0.1, 0.2]))
    assert torch.allclose(scale_noise(source, 0.5).noise_level, torch.tensor([0.05, 0.1]))
    factor = torch.zeros(2, 1, 4, 4)
    factor[..., :2] = 1  # of half of the places
    assert torch.allclose(scale_noise(source, factor).noise_level, torch.tensor([0.1, 0.2]) / math.sqrt(2))


@pytest.mark.parametrize(
    "keys", [{"fidelity": 1.5}, {"fidelity": -0.1}, {"noise": -1}, {"noise": math.inf}, {"fidelity": math.nan}]
)
def test_values_out_of_range_are_refused(keys: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"needs a (fidelity from 0 to 1|finite noise of 0 or more); got"):
        Sampling(**keys)


@pytest.mark.parametrize("contrast", [0, -1.0, math.nan])
def test_a_contrast_that_is_none_is_refused(contrast: float) -> None:
    with pytest.raises(ValueError, match="noise_contrast_limit must be a positive contrast"):
        Sampling(noise_contrast_limit=contrast)


def test_true_is_no_number() -> None:
    for keys in ({"num_intervals": True}, {"fidelity": True}, {"noise_contrast_limit": True}, {"guidance": True}):
        with pytest.raises(ValueError, match="True"):
            Sampling(**keys)
