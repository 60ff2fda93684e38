"""Networks around others: the time that runs the other way, and diffusion models as velocities."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.networks import DiffusionVelocity, ReversedTime
from cfmrestore.ops.diffusion_schedule import STEPS, alpha_bar, signal_to_noise, step_of_ratio
from cfmrestore.paths import GVP, Linear, Path, StraightDiffusion
from cfmrestore.registry import MODELS, NETWORKS
from cfmrestore.solvers import Euler, Heun
from cfmrestore.solvers.grids import DiffusionGrid, UniformGrid

SCHEDULES = ("linear", "scaled_linear", "squared_cosine", "cosine")
DIT = {"type": "DiT", "width": 16, "depth": 1, "heads": 2, "input_size": 8}


class Known(nn.Module):
    """A smooth function of x and the time that it is told, which it remembers."""

    multiple, reach = 4, 7

    def __init__(self) -> None:
        super().__init__()
        self.told: list[float] = []

    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
        self.told.append(float(t[0]))
        return torch.tanh(x) + 0.1 * (t / STEPS)[:, None, None, None] + (0 if context is None else context)


def noise(seed: int = 0) -> Tensor:
    return torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def wrapped(path: Path | None = None, **keys: object) -> DiffusionVelocity:
    schedule = keys.get("schedule", "linear")
    path = path or StraightDiffusion(schedule=schedule)
    return DiffusionVelocity(**{"network": Known(), "path": path, "channels": 3, **keys})


def per_image(network: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, t: network(x, t.expand(len(x)))


def ddim(x: Tensor, steps: list[int], schedule: str, predict_noise: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Song et al., equation 12 with sigma = 0, from the first step to the data, written on the variances."""
    kept = [*(float(alpha_bar(schedule)[step]) for step in steps), 1.0]
    for step, here, after in zip(steps, kept, kept[1:], strict=False):
        eps = predict_noise(x, torch.full((len(x),), step, dtype=x.dtype))
        data = (x - math.sqrt(1 - here) * eps) / math.sqrt(here)
        x = math.sqrt(after) * data + math.sqrt(1 - after) * eps
    return x


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_euler_is_ddim_step_for_step(schedule: str, count: int) -> None:
    network = wrapped(schedule=schedule)
    seen: list[Tensor] = []
    grid = DiffusionGrid(schedule=schedule)(count)
    end = Euler().solve(per_image(network), noise(), grid, on_step=lambda step: seen.append(step.x)).x
    steps = [round(999 * left / max(count - 1, 1)) if count > 1 else 999 for left in reversed(range(count))]
    assert network.network.told == steps
    expected = ddim(noise(), steps, schedule, Known())
    assert torch.allclose(end, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))
    c = network.path.coefficients(grid)
    for index in range(1, count):  # between, the point of DDIM but for its length
        length = (c.alpha[index] ** 2 + c.sigma[index] ** 2).sqrt()
        z = ddim_until(noise(), steps, index, schedule)
        assert torch.allclose(seen[index - 1] / length, z, rtol=1e-9, atol=1e-9 * float(z.abs().max()))


def ddim_until(x: Tensor, steps: list[int], count: int, schedule: str) -> Tensor:
    """After so many steps."""
    known, kept = Known(), alpha_bar(schedule)
    for step, after in pairwise(steps[: count + 1]):
        eps = known(x, torch.full((len(x),), step, dtype=x.dtype))
        data = (x - (1 - kept[step]).sqrt() * eps) / kept[step].sqrt()
        x = kept[after].sqrt() * data + (1 - kept[after]).sqrt() * eps
    return x


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_times_in_single_precision_ask_at_the_same_steps(schedule: str) -> None:
    c = StraightDiffusion(schedule=schedule).coefficients(DiffusionGrid(schedule=schedule)(250)[:-1].float().double())
    steps = step_of_ratio(c.alpha / c.sigma, schedule).round()
    assert steps.tolist() == [round(999 * left / 249) for left in reversed(range(250))]


def test_the_wrong_path_is_not_ddim() -> None:
    end = Euler().solve(per_image(wrapped(GVP())), noise(), DiffusionGrid()(7)).x
    expected = ddim(noise(), [999, 832, 666, 500, 333, 166, 0], "linear", Known())
    assert not torch.allclose(end, expected, atol=1e-2)


@pytest.mark.parametrize("path", [StraightDiffusion(), Linear(), GVP()], ids=["diffusion", "linear", "gvp"])
@pytest.mark.parametrize("prediction", ["noise", "velocity", "data"])
def test_a_network_that_knows_both_ends_has_the_paths_velocity(path: Path, prediction: str) -> None:
    x_0, x_1 = noise(1), noise(2)
    t = torch.tensor([0.2, 0.8], dtype=torch.float64)
    x_t, dx_t = path.sample(x_0, x_1, t)
    kept = [1 / (1 + (c.sigma / c.alpha) ** 2) for c in map(path.coefficients, t)]

    class Oracle(nn.Module):
        def forward(self, z: Tensor, step: Tensor) -> Tensor:
            a = torch.stack(kept).sqrt()[:, None, None, None]
            b = (1 - a**2).sqrt()
            assert torch.allclose(z, a * x_1 + b * x_0)
            assert torch.allclose(step_of_ratio((a / b).flatten(), "linear"), step)
            return {"noise": x_0, "data": x_1, "velocity": a * x_0 - b * x_1}[prediction]

    network = wrapped(path, network=Oracle(), prediction=prediction, discrete=False)
    assert torch.allclose(network(x_t, t), dx_t)


def test_whole_steps_are_told_unless_steps_are_continuous() -> None:
    times = torch.linspace(0, 1, 9, dtype=torch.float64)
    for discrete in (True, False):
        network = wrapped(discrete=discrete)
        for t in times:
            network(noise(), t.expand(2))
        told = network.network.told
        assert told[0] == 999
        assert told[-1] == 0
        assert all(a > b for a, b in pairwise(told))
        assert all(step == round(step) for step in told) == discrete


@pytest.mark.parametrize("prediction", ["noise", "velocity", "data"])
@pytest.mark.parametrize("path", [StraightDiffusion(), Linear(), GVP()], ids=["diffusion", "linear", "gvp"])
def test_both_ends_are_finite(path: Path, prediction: str) -> None:
    end = Heun().solve(per_image(wrapped(path, prediction=prediction)), noise().float(), UniformGrid()(4)).x
    assert end.isfinite().all()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_step_is_found_by_its_ratio(schedule: str) -> None:
    ratio = signal_to_noise(schedule)
    assert (ratio.diff() < 0).all()
    assert torch.allclose(step_of_ratio(ratio, schedule), torch.arange(STEPS, dtype=torch.float64), atol=1e-6)
    middle = (ratio[10] * ratio[11]).sqrt()
    assert step_of_ratio(middle, schedule) == pytest.approx(10.5)
    assert step_of_ratio(torch.tensor([0.0, math.inf]), schedule).tolist() == [999, 0]


def test_schedules_are_the_published_ones() -> None:
    beta = 1 - alpha_bar("scaled_linear")[1:] / alpha_bar("scaled_linear")[:-1]
    assert float(1 - alpha_bar("scaled_linear")[0]) == pytest.approx(0.00085)
    assert float(beta[-1]) == pytest.approx(0.012)
    assert float(beta[498]) == pytest.approx(((0.00085**0.5 * 500 + 0.012**0.5 * 499) / 999) ** 2)
    cosine = alpha_bar("squared_cosine")
    f = [math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2 for u in (0, 0.5)]
    assert float(cosine[499]) == pytest.approx(f[1] / f[0])
    assert float(cosine[-1] / cosine[-2]) == pytest.approx(0.001)
    with pytest.raises(ValueError, match="unknown noise table 'sigmoid'"):
        wrapped(schedule="sigmoid")


def test_reversed_time_is_the_other_way_round() -> None:
    network, x = ReversedTime(network=Known(), channels=3), noise()
    t = torch.tensor([0.2, 0.7], dtype=torch.float64)
    assert torch.equal(network(x, t, context=x), -Known()(x, 1 - t, context=x))


def test_lfms_path_is_ours_in_its_time() -> None:
    x_0, x_1, s = noise(1), noise(2), torch.tensor([0.25, 0.75], dtype=torch.float64)
    at = s[:, None, None, None]
    theirs = (1 - at) * x_1 + (1e-5 + (1 - 1e-5) * at) * x_0
    x_t, dx_t = Linear(sigma_min=1e-5).sample(x_0, x_1, 1 - s)
    assert torch.allclose(x_t, theirs)
    assert torch.allclose(dx_t, -((1 - 1e-5) * x_0 - x_1))


@pytest.mark.parametrize("kind", [{"type": "ReversedTime"}, {"type": "DiffusionVelocity"}], ids=str)
def test_a_flow_offers_what_the_inner_network_takes(kind: dict) -> None:
    flow = MODELS.build(
        {
            "type": "CouplingFlow",
            "encoder": {"type": "Haar", "factor": 2},
            "coupling": {"type": "Independent"},
            "conditions": [{"type": "ClassLabel", "classes": 3, "channels": 5}],
            "network": {**kind, "network": DIT},
            "path": {"type": "StraightDiffusion"},
            "sampling": {"num_intervals": 1},
        }
    )
    drawn = flow.generate((8, 8), torch.tensor([7]), given={"label": torch.tensor([2])})
    assert drawn.image.isfinite().all()
    assert flow.network.network.projection.in_features == 5
    assert flow.network.multiple == 2
    wrapper = NETWORKS.build({**kind, "network": Known()}, default_args={"channels": 3, "path": Linear()})
    assert (wrapper.multiple, wrapper.reach) == (4, 7)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match="prediction is one of 'noise', 'velocity', 'data'; got 'score'"):
        wrapped(prediction="score")
    with pytest.raises(ValueError, match="1001 intervals"):
        DiffusionGrid()(1001)
    with pytest.raises(ValueError, match="needs 'path'"):
        NETWORKS.build({"type": "DiffusionVelocity", "network": DIT}, default_args={"channels": 4})
