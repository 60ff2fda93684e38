"""RF-Inversion: plain inversion at one end, the draw or the image at the other, and its equations between."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from cfmrestore.editing import RFInversion, rf_edit, rf_invert
from tests.editing.gaussians import LAWS, class_pixels, gaussian_flow, labels, random_flow, slope
from tests.editing.test_flow_edit import SEEDS, coupled, image

WHOLE = (0.0, 1.0)


def test_without_control_it_is_inversion_bit_for_bit() -> None:
    flow = random_flow(path={"type": "Linear", "sigma_min": 0.01})
    sampling = replace(flow.sampling, solver={"type": "Euler"}, num_intervals=6, guidance=1.5)
    plain = flow.invert(image(), SEEDS, sampling, given=labels(1))
    settings = RFInversion(steps=6, gamma=0.0, source_guidance=1.5)
    done = rf_invert(flow, image(), SEEDS, labels(1), settings)
    assert torch.equal(done.latent, plain.latent)
    assert torch.equal(done.image, plain.image)
    assert (done.nfe, done.rows) == (6, 12)
    led = rf_invert(flow, image(), SEEDS, labels(1), replace(settings, gamma=0.1))
    assert not torch.allclose(led.latent, plain.latent, atol=1e-3)


def test_without_control_of_a_coupled_flow_too() -> None:
    flow, low = coupled(path={"type": "Linear", "sigma_min": 0.05}), image(16)
    sampling = replace(flow.sampling, solver={"type": "Euler"}, num_intervals=5)
    given = {"low": low, **labels(1)}
    plain = flow.invert(image(32), SEEDS, sampling, given=given)
    assert torch.equal(rf_invert(flow, image(32), SEEDS, given, RFInversion(steps=5, gamma=0.0)).latent, plain.latent)


@pytest.mark.parametrize("path", [{"type": "Linear"}, {"type": "Linear", "sigma_min": 0.01}], ids=["whole", "rest"])
def test_wholly_led_back_it_ends_at_the_draw_of_the_source(path: dict) -> None:
    for flow, size, given in (
        (random_flow(path=path), 8, labels(1)),
        (coupled(path=path), 32, {"low": image(16), **labels(1)}),
    ):
        done = rf_invert(flow, image(size), SEEDS, given, RFInversion(steps=5, gamma=1.0))
        draw = flow.pipeline().ends(image(size), SEEDS, given).source.x_0
        assert torch.allclose(done.latent, draw, atol=1e-5)
    assert float((draw - flow.pipeline().ends(image(32), SEEDS, given).source.mean).std()) > 0.1
    assert done.nfe == 0  # no velocity counts there


def test_wholly_led_forward_it_ends_at_the_image() -> None:
    flow = random_flow()
    for path, atol in (({"type": "Linear"}, 1e-5), ({"type": "GVP"}, 0.5)):
        flow = random_flow(path=path)
        settings = RFInversion(steps=6, eta=1.0, interval=WHOLE)
        done = rf_edit(flow, image(), SEEDS, labels(1), labels(2), settings)
        assert torch.allclose(done.image, image(), atol=atol)
    free = rf_edit(random_flow(), image(), SEEDS, labels(1), labels(2), RFInversion(steps=6, eta=0.0))
    assert not torch.allclose(free.image, image(), atol=1e-2)


def factors(settings: RFInversion, label: int, *, forward: bool) -> tuple[float, float, float]:
    r"""What Euler's steps make of a walk: the end is :math:`a + b\, x + c\, x_e` of where it began and is led to.

    .. math:: x \leftarrow x + h [(1 - s)(m + k (x - t m)) + s (x_e - x) / (t_e - t)]
    """
    m, s = LAWS[label]
    grid = torch.linspace(0, 1, settings.steps + 1, dtype=torch.float64)
    grid, end = (grid, 1.0) if forward else (grid.flip(0), 0.0)
    a, b, c = 0.0, 1.0, 0.0
    for t, h in zip(grid[:-1].tolist(), grid.diff().tolist(), strict=True):
        k = float(slope(torch.tensor(t, dtype=torch.float64), s))
        first, last = settings.interval
        share = settings.gamma if not forward else settings.eta * (1 - t) ** settings.decay * (first <= t < last - 1e-9)
        grow = 1 + h * ((1 - share) * k - share / (end - t))
        a, b, c = (
            a * grow + h * (1 - share) * m * (1 - k * t),
            b * grow,
            c * grow + h * share / (end - t),
        )
    return a, b, c


SETTINGS = [
    RFInversion(steps=20),
    RFInversion(steps=12, gamma=0.3, eta=0.6, interval=(0.25, 0.75)),
    RFInversion(steps=12, gamma=0.8, eta=0.5, interval=WHOLE, decay=1.5),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["usual", "between", "fading"])
def test_gaussians_move_as_the_equations_say(settings: RFInversion) -> None:
    flow, pixels = gaussian_flow(), class_pixels(0)
    ends = flow.pipeline().ends(pixels, SEEDS, labels(0))
    x, y = ends.x_1, ends.source.x_0
    a, b, c = factors(settings, 0, forward=False)
    start = rf_invert(flow, pixels, SEEDS, labels(0), settings).latent
    assert torch.allclose(start, a + b * x + c * y, atol=1e-3)
    assert float(start.var()) == pytest.approx((b * LAWS[0][1]) ** 2 + c**2, rel=0.02)
    done = rf_edit(flow, pixels, SEEDS, labels(0), labels(1), replace(settings, reconstruct=True))
    a, b, c = factors(settings, 1, forward=True)
    assert torch.allclose(done.latent, a + b * start + c * x, atol=1e-3)
    a, b, c = factors(settings, 0, forward=True)
    error = (a + b * start + (c - 1) * x).square().flatten(1).mean(1).sqrt()
    assert done.error is not None
    assert torch.allclose(done.error, error, atol=1e-3)
    assert done.nfe == len(flow.network.calls) - settings.steps == 3 * settings.steps


def test_leading_the_way_forward_keeps_more_of_the_image() -> None:
    flow = gaussian_flow()

    def error(**keys: object) -> Tensor:
        settings = RFInversion(steps=16, reconstruct=True, **keys)
        found = rf_edit(flow, class_pixels(0, side=32), SEEDS, labels(0), labels(1), settings).error
        assert found is not None
        return found.mean()

    assert error(eta=0.9, interval=(0.0, 0.9)) < 0.5 * error(eta=0.0)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match=r"gamma is a number in \[0, 1\]; got 1.5"):
        RFInversion(gamma=1.5)
    with pytest.raises(ValueError, match="a rising interval"):
        RFInversion(interval=(0.5, 0.2))
    with pytest.raises(ValueError, match="start at an input"):
        rf_invert(coupled(), image(16), SEEDS, labels(0))
