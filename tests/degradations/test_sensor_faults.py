"""The laws of lenses and sensors, with known answers."""

import math

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.sensor.chromatic_aberration import AberrationParams, ChromaticAberration
from cfmrestore.degradations.sensor.dead_pixels import DeadPixels
from cfmrestore.degradations.sensor.vignetting import Vignetting, VignettingParams
from cfmrestore.ops.rng import ImageRng

SEEDS = [1, 2, 3]


def pictures(batch: int = 3, height: int = 21, width: int = 33) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


def check_vignette(vignetting: Vignetting, center: tuple[float, float] = (0.0, 0.0), corner: float = 0.5) -> None:
    """Against cos^4 of an angle, pixel by pixel."""
    h, w = 21, 33
    params = VignettingParams(torch.tensor([corner]), torch.tensor([center]))
    light = vignetting.apply(torch.ones(1, 3, h, w), params)
    tangent = math.tan(math.acos(corner**0.25)) / (math.hypot(h, w) / 2)  # a pixel from the center
    for i in range(0, h, 4):
        for j in range(0, w, 4):
            r = math.hypot(i + 0.5 - h * (0.5 + center[0]), j + 0.5 - w * (0.5 + center[1]))
            expected = math.cos(math.atan(r * tangent)) ** 4
            assert light[0, :, i, j].tolist() == pytest.approx([expected] * 3, abs=1e-5)


@pytest.mark.parametrize(("center", "corner"), [((0.0, 0.0), 0.5), ((0.2, -0.1), 0.3), ((0.0, 0.0), 1.0)])
def test_vignetting_is_the_law_of_the_fourth_power(center: tuple[float, float], corner: float) -> None:
    check_vignette(Vignetting(), center, corner)


class CosSquared(Vignetting):
    """Half of the power."""

    def apply(self, image: Tensor, params: VignettingParams) -> Tensor:
        return super().apply(image, params).sqrt()


class Swapped(Vignetting):
    """Takes the center's row for its column."""

    def apply(self, image: Tensor, params: VignettingParams) -> Tensor:
        return super().apply(image, VignettingParams(params.corner, params.offset.flip(1)))


@pytest.mark.parametrize("mutant", [CosSquared, Swapped])
def test_the_check_of_vignetting_rejects_its_mutants(mutant: type[Vignetting]) -> None:
    with pytest.raises(AssertionError):
        check_vignette(mutant(), (0.2, -0.1))


def test_vignetting_keeps_the_middle_and_darkens_outwards() -> None:
    x = pictures()
    y = Vignetting(offset=0)(x, ImageRng(SEEDS))
    assert torch.equal(y[:, :, 10, 16], x[:, :, 10, 16])
    light = (y / x)[:, :, 10, 16:]
    assert (light.diff(dim=-1) < 0).all()


def test_centers_of_vignetting_lie_about_the_middle() -> None:
    offset = Vignetting(offset=0.2).draw(pictures(1).expand(200, -1, -1, -1), ImageRng(range(200))).offset
    assert offset.abs().max() <= 0.2
    assert offset.min() < -0.15
    assert offset.max() > 0.15


def ramps(height: int = 41, width: int = 61) -> Tensor:
    """Red, green and blue tell the distance from the middle, in pixels, to the right or (second image) down."""
    x = torch.arange(width) - (width - 1) / 2
    y = torch.arange(height) - (height - 1) / 2
    return torch.stack([x.expand(3, height, width), y[:, None].expand(3, height, width)])


def check_magnification(aberration: ChromaticAberration) -> None:
    """A ramp that is magnified by s has the slope 1 / s."""
    x = ramps()
    y = aberration.apply(x, AberrationParams(torch.tensor([0.1, 0.1])))
    inner = (..., slice(5, -5), slice(5, -5))
    assert torch.equal(y[:, 1], x[:, 1])
    assert torch.allclose(y[:, 0][inner], x[:, 0][inner] / 1.1, atol=0.06)
    edge = x[:, 2].abs() < x[:, 2].abs().amax(dim=(1, 2), keepdim=True) * 0.8
    assert torch.allclose(y[:, 2][edge], x[:, 2][edge] / 0.9, atol=0.06)


def test_aberration_scales_red_and_blue_about_the_middle_and_keeps_green() -> None:
    check_magnification(ChromaticAberration())


class Shrinks(ChromaticAberration):
    """Takes the scale for its inverse."""

    def apply(self, image: Tensor, params: AberrationParams) -> Tensor:
        return super().apply(image, AberrationParams(-params.epsilon))


class OffCenter(ChromaticAberration):
    """Scales about a corner: seen as a shift."""

    def apply(self, image: Tensor, params: AberrationParams) -> Tensor:
        return super().apply(image, params).roll(1, dims=-1)


@pytest.mark.parametrize("mutant", [Shrinks, OffCenter])
def test_the_check_of_the_magnification_rejects_its_mutants(mutant: type[ChromaticAberration]) -> None:
    with pytest.raises(AssertionError):
        check_magnification(mutant())


def test_no_aberration_is_the_image() -> None:
    x = pictures()
    assert torch.allclose(ChromaticAberration(epsilon=(0, 0))(x, ImageRng(SEEDS)), x, atol=1e-4)


def test_pixels_die_in_the_shares_given_and_the_rest_is_kept() -> None:
    x = torch.full((1, 3, 200, 200), 0.3)
    y = DeadPixels(dead=(0.02, 0.02), hot=(0.05, 0.05))(x, ImageRng([1]))
    count = x.numel()
    for value, share in ((0.0, 0.02), (1.0, 0.05)):
        found = float((y == value).float().mean())
        assert found == pytest.approx(share, abs=4 * math.sqrt(share / count))
    assert torch.equal(y[(y > 0) & (y < 1)], x[(y > 0) & (y < 1)])


def test_elements_fail_by_themselves_or_pixel_by_pixel() -> None:
    x = torch.full((1, 3, 100, 100), 0.3)
    keys = {"dead": (0.1, 0.1), "hot": (0.0, 0.0)}
    alone = DeadPixels(**keys)(x, ImageRng([1])) == 0
    assert float((alone[:, 0] & alone[:, 1]).float().mean()) == pytest.approx(0.01, abs=0.005)
    together = DeadPixels(**keys, gray_probability=1)(x, ImageRng([1])) == 0
    assert together[:, 0].any()
    assert torch.equal(together[:, 0], together[:, 1])
    assert torch.equal(together[:, 0], together[:, 2])


def test_a_sound_sensor_changes_nothing() -> None:
    x = pictures()
    assert torch.equal(DeadPixels(dead=(0, 0), hot=(0, 0))(x, ImageRng(SEEDS)), x)


@pytest.mark.parametrize(
    ("cls", "keys", "message"),
    [
        (Vignetting, {"corner": (0, 0.5)}, "corner must be two rising numbers"),
        (Vignetting, {"offset": -0.1}, "offset must be a number from 0 to 1"),
        (ChromaticAberration, {"epsilon": (-0.8, 0.1)}, "epsilon must be two rising numbers from -0.5 to 0.5"),
        (DeadPixels, {"dead": (0.1, 0.9)}, "dead must be two rising numbers from 0 to 0.5"),
        (DeadPixels, {"hot": (0.2, 0.1)}, "hot must be two rising numbers"),
        (DeadPixels, {"gray_probability": -1}, "gray_probability must be a number from 0 to 1; got -1"),
    ],
)
def test_bad_keys(cls: type, keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**keys)
