"""The laws of light and color, with known answers."""

import math

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.color.color_cast import ColorCast
from cfmrestore.degradations.color.grayscale import Grayscale
from cfmrestore.degradations.color.haze import Haze, HazeParams
from cfmrestore.degradations.color.low_light import LowLight
from cfmrestore.degradations.levels.banding import Banding
from cfmrestore.degradations.levels.quantize import Quantize
from cfmrestore.ops.rng import ImageRng

SEEDS = [1, 2, 3]
LUMA = torch.tensor([0.299, 0.587, 0.114])


def pictures(batch: int = 3, height: int = 21, width: int = 34) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


def luma(x: Tensor) -> Tensor:
    return torch.einsum("c,bchw->bhw", LUMA, x)


def primaries() -> Tensor:
    return torch.eye(3)[:, :, None, None]


def test_grayscale_of_the_primaries() -> None:
    y = Grayscale()(primaries(), ImageRng(SEEDS))
    assert torch.allclose(y[:, :, 0, 0], LUMA[:, None].expand(3, 3))


def test_grayscale_of_a_gray_image_is_that_image() -> None:
    x = pictures()[:, :1].repeat(1, 3, 1, 1)
    assert torch.allclose(Grayscale()(x, ImageRng(SEEDS)), x, atol=1e-6)


def test_cast_scales_the_channels() -> None:
    x = pictures()
    cast = ColorCast(gain=(0.5, 1.5))
    params = cast.draw(x, ImageRng(SEEDS))
    y = cast.apply(x, params)
    assert torch.allclose(y, x * params.gain[:, :, None, None], atol=1e-6)
    assert params.gain.min() >= 0.5
    assert params.gain.max() <= 1.5
    assert len(params.gain.unique()) == 9


def test_cast_without_saturation_is_grayscale() -> None:
    x = pictures()
    y = ColorCast(gain=(1, 1), saturation=(0, 0))(x, ImageRng(SEEDS))
    assert torch.allclose(y, Grayscale()(x, ImageRng(SEEDS)), atol=1e-6)


def test_cast_turns_hues_and_keeps_luma_and_grays() -> None:
    x = pictures()

    def turned(image: Tensor, degrees: float) -> Tensor:
        return ColorCast(gain=(1, 1), hue=(degrees, degrees))(image, ImageRng(SEEDS))

    y = turned(x, 30)
    assert torch.allclose(luma(y), luma(x), atol=1e-6)
    assert (y - x).abs().mean() > 0.05
    gray = torch.full_like(x, 0.4)
    assert torch.allclose(turned(gray, 30), gray, atol=1e-6)
    opposite = 2 * luma(x)[:, None] - x
    assert torch.allclose(turned(x, 180), opposite, atol=1e-5)
    assert torch.allclose(turned(turned(turned(x, 50), 50), -100), x, atol=1e-5)


def test_low_light_is_its_equation() -> None:
    x = pictures()
    dark = LowLight()
    params = dark.draw(x, ImageRng(SEEDS))
    for i, (alpha, beta, gamma) in enumerate(zip(params.alpha, params.beta, params.gamma, strict=True)):
        assert torch.allclose(dark.apply(x, params)[i].double(), beta * (alpha * x[i].double()) ** gamma, atol=1e-6)
        assert 0.9 <= alpha <= 1
        assert 0.5 <= beta <= 1
        assert 1.5 <= gamma <= 5
    assert (dark.apply(x, params) <= x).all()


def test_low_light_of_one_everywhere_is_the_image() -> None:
    x = pictures()
    one = (1.0, 1.0)
    assert torch.equal(LowLight(alpha=one, beta=one, gamma=one)(x, ImageRng(SEEDS)), x)
    assert LowLight()(x - 0.5, ImageRng(SEEDS)).isfinite().all()


def test_no_haze_without_scattering() -> None:
    x = pictures()
    assert torch.equal(Haze(beta=(0, 0))(x, ImageRng(SEEDS)), x)


def test_haze_mixes_by_the_transmission_of_the_depth() -> None:
    x = pictures()
    haze = Haze(beta=(1.3, 1.3), airlight=(0.8, 0.8))
    params = haze.draw(x, ImageRng(SEEDS))
    y = haze.apply(x, params)
    for i, seed in enumerate(params.seed.tolist()):
        t = (-1.3 * haze.depth((21, 34), seed)).exp()
        assert torch.allclose(y[i], 0.8 + (x[i] - 0.8) * t, atol=1e-6)
    thick = Haze(beta=(1e4, 1e4), airlight=(0.8, 0.8), roughness=1)(x, ImageRng(SEEDS))
    assert ((thick - 0.8).abs() < 1e-6).float().mean() > 0.9


def test_a_depth_without_noise_is_a_plane_over_the_whole_range() -> None:
    plane = Haze(roughness=0).depth((40, 60), 7)
    assert torch.allclose(plane.diff(dim=0), (plane[1, 0] - plane[0, 0]).expand(39, 60), atol=1e-6)
    assert torch.allclose(plane.diff(dim=1), (plane[0, 1] - plane[0, 0]).expand(40, 59), atol=1e-6)
    assert plane.min() == pytest.approx(0, abs=0.03)
    assert plane.max() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("roughness", [0.0, 0.4, 1.0])
def test_depths_are_smooth_differ_and_stay_in_range(roughness: float) -> None:
    haze = Haze(roughness=roughness)
    depths = torch.stack([haze.depth((64, 64), seed) for seed in range(20)])
    assert depths.min() >= 0
    assert depths.max() <= 1
    assert depths.diff(dim=1).abs().max() < 0.1
    assert depths.std(dim=0).mean() > 0.1


def test_haze_of_the_same_parameters_is_pure_and_of_another_seed_differs() -> None:
    x, one = pictures(1), torch.ones(1)
    first = Haze().apply(x, HazeParams(one, one, torch.tensor([5])))
    assert torch.equal(Haze().apply(x, HazeParams(one, one, torch.tensor([5]))), first)
    assert not torch.equal(Haze().apply(x, HazeParams(one, one, torch.tensor([6]))), first)


def test_banding_is_rounding_to_its_levels() -> None:
    x = pictures() * 1.4 - 0.2
    for bits in (1, 3, 8):
        y = Banding(bits=(bits, bits))(x, ImageRng(SEEDS))
        assert torch.equal(y, Quantize(levels=2**bits)(x, ImageRng(SEEDS)))
    bits = Banding(bits=(2, 6)).draw(x[:1].expand(300, -1, -1, -1), ImageRng(range(300))).bits
    assert bits.unique().tolist() == [2, 3, 4, 5, 6]


def test_dither_keeps_the_mean_where_rounding_does_not() -> None:
    x = torch.full((2, 3, 128, 128), 0.4)
    x[1] = 1.0
    rounded = Banding(bits=(1, 1))(x, ImageRng([1, 2]))
    assert (rounded[0] == 0).all()
    dithered = Banding(bits=(1, 1), dither_probability=1)(x, ImageRng([1, 2]))
    assert dithered.unique().tolist() == [0, 1]
    standard_error = math.sqrt(0.4 * 0.6 / x[0].numel())
    assert float(dithered[0].mean()) == pytest.approx(0.4, abs=4 * standard_error)
    assert (dithered[1] == 1).all()
    assert Banding(bits=(16, 16), dither_probability=1)(x, ImageRng([1, 2])).max() == 1


@pytest.mark.parametrize(
    ("cls", "keys", "message"),
    [
        (ColorCast, {"gain": (1.2, 0.8)}, "gain must be two rising numbers"),
        (ColorCast, {"saturation": (-1, 1)}, "saturation must be"),
        (ColorCast, {"hue": (0, 200)}, "hue must be two rising numbers from -180 to 180"),
        (LowLight, {"alpha": (0.5, 1.5)}, "alpha must be two rising numbers from 0 to 1"),
        (LowLight, {"beta": (-0.1, 1)}, "beta must be"),
        (LowLight, {"gamma": (0, 1)}, "gamma must be"),
        (Haze, {"beta": (-1, 1)}, "beta must be"),
        (Haze, {"airlight": (0.5, 2)}, "airlight must be"),
        (Haze, {"roughness": 1.5}, "roughness must be a number from 0 to 1; got 1.5"),
        (Banding, {"bits": (0, 4)}, "bits must be two rising numbers from 1 to 16"),
        (Banding, {"dither_probability": 2}, "dither_probability must be a number from 0 to 1; got 2"),
    ],
)
def test_bad_keys(cls: type, keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**keys)
