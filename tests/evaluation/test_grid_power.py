"""What repeats with a fixed period, against patterns of known power in white noise."""

import math

import pytest
import torch
from torch import Tensor

from cfmrestore.evaluation.functional.grid_power import grid_power
from cfmrestore.evaluation.metrics import GridPower


def noise(sigma: float = 10.0, side: int = 512) -> Tensor:
    return sigma * torch.randn(side, side, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_white_noise_has_none() -> None:
    assert grid_power(noise()) == pytest.approx(0, abs=0.3)
    assert grid_power(noise(), period=8) == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("amplitude", [2.0, 8.0])
def test_a_wave_of_known_power(amplitude: float) -> None:
    r"""At two of the 15 frequencies, :math:`1 + A^2 (\sum w)^2 / (4 \sigma^2 \sum w^2)` with Hann's windows."""
    columns = torch.arange(512, dtype=torch.float64)
    wave = amplitude * (2 * math.pi * columns / 4).cos()
    at_each = 1 + amplitude**2 / 4 * (32**2) ** 2 / 24**2 / 10.0**2
    foretold = 2 / 15 * 10 * math.log10(at_each)
    assert grid_power(noise() + wave) - grid_power(noise()) == pytest.approx(foretold, abs=0.1)


def test_another_period_is_none() -> None:
    columns = torch.arange(512, dtype=torch.float64)
    wave = 20 * (2 * math.pi * columns / 5).cos()
    assert grid_power(noise() + wave) == pytest.approx(grid_power(noise()), abs=0.3)


def test_it_knows_no_unit_and_no_turn() -> None:
    image = noise() + torch.tensor([0.0, 0, 0, 9]).repeat(128)
    assert grid_power(image / 255 + 0.5) == pytest.approx(grid_power(image), abs=1e-6)
    assert grid_power(image.T) == pytest.approx(grid_power(image), abs=1e-6)
    assert grid_power(image.flip(1)) == pytest.approx(grid_power(image), abs=0.05)


def test_the_metric_is_of_the_luma_of_the_file() -> None:
    image = (0.5 + noise(0.1, 128)).clamp(0, 1).float().expand(3, -1, -1)
    value = GridPower().measure(image, None, {})
    assert value == pytest.approx(grid_power((image[0] * 255).round()), abs=0.05)
    assert math.isfinite(GridPower().measure(torch.full((3, 64, 64), 0.5), None, {}))


def test_what_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match=r"GridPower of period 4 looks at tiles of 64 pixels; got \(40, 90\)"):
        GridPower().measure(torch.zeros(3, 40, 90), None, {})
    with pytest.raises(ValueError, match="a pattern repeats each 2 pixels or more; got a period of 1"):
        GridPower(period=1)
