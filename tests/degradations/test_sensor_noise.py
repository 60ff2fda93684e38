"""The camera's pipeline goes back and forth without loss, and its noise has the law that it announces."""

import math

import pytest
import torch
from torch import Tensor

from cfmrestore.degradations.sensor.sensor_noise import SensorNoise, SensorParams
from cfmrestore.ops import camera
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame

FRAME = Frame((8, 8), (8, 8))


def draw(count: int, **keys: object) -> SensorParams:
    return SensorNoise(**keys).sample(FRAME, ImageRng(range(count)))


def silent(params: SensorParams) -> SensorParams:
    nothing = torch.zeros_like(params.shot)
    return SensorParams(params.gain, params.weight, nothing, nothing, params.seed)


def colors(count: int, high: float) -> Tensor:
    return high * torch.rand(count, 3, 1, 1, generator=torch.Generator().manual_seed(0))


def test_without_noise_and_mosaic_the_round_trip_is_the_identity() -> None:
    x = 0.97 * torch.rand(20, 3, 31, 17, generator=torch.Generator().manual_seed(0))
    x[:, :, 0, 0] = 0
    y = SensorNoise(mosaic=False).apply(x, silent(draw(20)))
    assert (y - x).abs().max() < 1e-4


@pytest.mark.parametrize("mosaic", [False, True])
def test_highlights_move_to_white_by_a_hundredth_at_most(mosaic: bool) -> None:
    levels = torch.linspace(0.97, 1, 31)[:, None, None, None].expand(-1, 3, 4, 4)
    y = SensorNoise(mosaic=mosaic).apply(levels, silent(draw(31)))
    assert (y[-1] == 1).all()
    assert (y - levels).min() > -1e-3
    assert 1e-3 < (y - levels).max() < 0.01


@pytest.mark.parametrize("size", [(6, 8), (7, 5), (2, 2), (1, 5), (4, 1), (1, 1)])
def test_constant_images_come_through_the_mosaic(size: tuple[int, int]) -> None:
    x = colors(20, 0.97).expand(-1, -1, *size)
    assert (SensorNoise().apply(x, silent(draw(20))) - x).abs().max() < 1e-4


def test_the_mosaic_is_rggb() -> None:
    x = torch.tensor([1.0, 2.0, 3.0])[None, :, None, None].expand(1, 3, 3, 5)
    expected = torch.tensor([[1.0, 2, 1, 2, 1], [2, 3, 2, 3, 2], [1, 2, 1, 2, 1]])
    assert torch.equal(camera.mosaic(x)[0, 0], expected)


@pytest.mark.parametrize("size", [(12, 14), (11, 9)])
def test_demosaicing_keeps_linear_ramps_and_what_was_measured(size: tuple[int, int]) -> None:
    y, x = torch.meshgrid(*(torch.arange(n) / 10 for n in size), indexing="ij")
    ramps = torch.stack([0.1 + x, 0.7 - 0.5 * y, 0.3 + 0.2 * x - 0.4 * y])[None]
    inside = (..., slice(2, -2), slice(2, -2))
    assert torch.allclose(camera.demosaic(camera.mosaic(ramps))[inside], ramps[inside], atol=1e-6)
    noise = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(0))
    assert torch.equal(camera.mosaic(camera.demosaic(noise)), noise)


def test_demosaicing_takes_detail_from_the_other_colors() -> None:
    gray = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).cumsum(-1).sin()
    x = gray.expand(1, 3, 64, 64)
    averages = (gray[..., 1:-1, :-2] + gray[..., 1:-1, 2:] + gray[..., :-2, 1:-1] + gray[..., 2:, 1:-1]) / 4
    bilinear = (averages - gray[..., 1:-1, 1:-1])[..., 1::2, 1::2]  # green where red is measured
    error = (camera.demosaic(camera.mosaic(x)) - x)[:, 1, 2:-2:2, 2:-2:2]
    assert error.square().mean() < 0.6 * bilinear.square().mean()


def test_the_second_cameras_matrix_by_hand() -> None:
    matrix = camera.rgb_to_camera(torch.tensor([[0.0, 1.0, 0.0, 0.0]]))[0]
    xyz = [0.4124564 + 0.3575761 + 0.1804375, 0.2126729 + 0.7151522 + 0.072175, 0.0193339 + 0.119192 + 0.9503041]
    white = 0.4913 * xyz[0] - 0.0541 * xyz[1] - 0.0202 * xyz[2]
    red = 0.4913 * 0.4124564 - 0.0541 * 0.2126729 - 0.0202 * 0.0193339
    assert math.isclose(float(matrix[0, 0]), red / white, rel_tol=1e-9)
    assert torch.allclose(matrix.sum(-1), torch.ones(3, dtype=torch.float64))


def test_the_curves_by_hand() -> None:
    x = torch.tensor([0.0, 0.2, 0.5, 1.0]).reshape(4, 1, 1, 1).expand(4, 3, 1, 1)
    u = [value ** (1 / 2.2) for value in (0.0, 0.2, 0.5, 1.0)]
    expected = torch.tensor([3 * value**2 - 2 * value**3 for value in u])
    assert torch.allclose(camera.compress(x)[:, 0, 0, 0], expected, atol=1e-5)
    assert torch.allclose(camera.expand(camera.compress(x)), x, atol=1e-5)


def test_the_noise_has_the_variance_of_the_law() -> None:
    light, shot, read = torch.tensor([0.0, 0.3, 0.9]), torch.tensor([0.01, 0.01, 0.004]), torch.full((3,), 1e-3)
    raw = light[:, None, None, None].expand(3, 1, 256, 256)
    noise = camera.add_sensor_noise(raw, shot, read, ImageRng([1, 2, 3]).normal(1, 256, 256)) - raw
    assert torch.allclose(noise.var(dim=(1, 2, 3)), shot * light + read, rtol=0.03)


def test_levels_are_drawn_from_the_log_linear_law() -> None:
    params = draw(4000)
    log_shot, log_read = params.shot.log(), params.read.log()
    assert math.isclose(float(log_shot.min()), math.log(1e-4), abs_tol=0.02)
    assert math.isclose(float(log_shot.max()), math.log(0.012), abs_tol=0.02)
    assert math.isclose(float(log_shot.mean()), math.log(1e-4 * 0.012) / 2, abs_tol=0.07)
    rest = log_read - (2.18 * log_shot + 1.20)
    assert math.isclose(float(rest.mean()), 0, abs_tol=0.02)
    assert math.isclose(float(rest.std()), 0.26, abs_tol=0.02)


def test_gains_are_drawn_from_their_ranges() -> None:
    red, green, blue = draw(2000).gain.unbind(1)
    assert green.min() == 1
    assert math.isclose(float((1 / green).median()), 0.8, abs_tol=0.01)
    for ratio, low, high in ((red / green, 1.9, 2.4), (blue / green, 1.5, 1.9)):
        assert math.isclose(float(ratio.min()), low, abs_tol=0.01)
        assert math.isclose(float(ratio.max()), high, abs_tol=0.01)


def test_demosaicing_correlates_the_noise_of_neighbors() -> None:
    x, rng = torch.full((4, 3, 96, 96), 0.5), ImageRng([1, 2, 3, 4])
    correlation = []
    for mosaic in (True, False):
        noise = SensorNoise(shot=(1e-3, 1e-3), mosaic=mosaic)(x, rng)[:, 0] - 0.5
        noise = noise - noise.mean()
        correlation.append(float((noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean()))
    assert correlation[0] > 0.2
    assert abs(correlation[1]) < 0.03


@pytest.mark.parametrize(
    ("keys", "message"),
    [({"shot": (0, 0.01)}, "shot must be two rising numbers"), ({"red": (0.5, 2)}, "red"), ({"blue": (2, 1)}, "blue")],
)
def test_bad_ranges(keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SensorNoise(**keys)


def test_a_whole_batch_as_on_a_gpu_gives_the_same() -> None:
    x, params = torch.rand(4, 3, 13, 10, generator=torch.Generator().manual_seed(0)), draw(4)
    assert torch.allclose(SensorNoise()._develop(x, params), SensorNoise().apply(x, params), atol=1e-5)
