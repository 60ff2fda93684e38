"""Edits of a flow between Gaussians, whose every map is known, and of small networks."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.contracts.analytic import _M, _S, GAUSSIAN, _spread
from cfmrestore.editing import Boundary, boundary_edit, candidates, encode, fit_boundary, flow_digest, mixing_time
from cfmrestore.editing.encoding import walk_on
from cfmrestore.flows import CouplingFlow
from cfmrestore.flows.trajectory import relative_rms
from cfmrestore.registry import MODELS, NETWORKS
from tests.restore.flows import NETWORK, randomize

TIME = 0.4


@NETWORKS.register_module(force=True)
class Gaussian(nn.Module):
    """The velocity from N(0, 1) to N(m, s^2), number by number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return GAUSSIAN.v(x.flatten(1), t).view_as(x)


def build(**keys: object) -> CouplingFlow:
    cfg = {"type": "CouplingFlow", "encoder": {"type": "Identity"}, "coupling": {"type": "Independent"},
           "conditions": [], "network": {"type": "Gaussian"}, "scale": 1, "path": {"type": "Linear", "sigma_min": 0.0},
           "sampling": {"solver": {"type": "RK4"}, "num_intervals": 32}, **keys}  # fmt: skip
    return MODELS.build(cfg).eval()


def at(x_1: Tensor, t: float) -> Tensor:
    """Where the paths to x_1 are at t."""
    return t * _M + _spread(torch.tensor(t)) / _S * (x_1 - _M)


def two_classes(count: int = 400) -> tuple[Tensor, Tensor]:
    """Gray noise, brighter in the red channel where it has the attribute."""
    generator = torch.Generator().manual_seed(0)
    positive = torch.arange(count) % 2 == 0
    images = 0.6 + 0.04 * torch.randn(count, 3, 4, 4, generator=generator)
    images[:, 0] += torch.where(positive, 0.05, -0.05)[:, None, None]
    return images.clamp(0, 1), positive


def network_flow(**keys: object) -> CouplingFlow:
    flow = build(network={**NETWORK, "middle_attention": False}, encoder={"type": "Haar", "factor": 2}, **keys)
    randomize(flow)
    return flow


@torch.no_grad()
def test_points_are_where_the_map_says() -> None:
    flow, (images, _) = build(), two_classes(8)
    encoded = encode(flow, images, [0.0, TIME, 1.0], batch=3, check=5)
    for time, points in encoded.points.items():
        assert torch.allclose(points, at(2 * images - 1, time), atol=1e-5)
        assert len(encoded.errors[time]) == 5
        assert float(encoded.errors[time].max()) < 1e-5
    assert encoded.nfe == 4 * 33  # the time lies inside of an interval, which it cuts
    assert list(encoded.points) == [1.0, TIME, 0.0]


@torch.no_grad()
def test_an_edit_moves_means_as_the_equations_say() -> None:
    r"""A move at t ends as that move times s / sqrt((1 - t)^2 + t^2 s^2)."""
    flow, (images, positive) = build(), two_classes()
    points = encode(flow, images, [TIME]).points[TIME]
    boundary = fit_boundary(points, positive, attribute="red", time=TIME, model=flow_digest(flow))
    assert boundary.accuracy > 0.95
    gain = _S / _spread(torch.tensor(TIME))
    some, strengths = images[:20], (-1.0, 0.0, 0.5)
    done = boundary_edit(flow, some, torch.zeros(20, dtype=torch.long), [boundary], strengths)
    for strength, one in zip(strengths, done.edits, strict=True):
        expected = 2 * some - 1 + strength * boundary.std * gain * boundary.direction
        assert torch.allclose(one.latent, expected, atol=1e-3)
        before, after = one.distances["red"]
        assert torch.allclose(before, boundary.distance(at(2 * some - 1, TIME)) / boundary.std, atol=1e-3)
        assert torch.allclose(after - before, torch.full((20,), strength), atol=1e-4)
    shift = (at(2 * images - 1, TIME)[positive].mean(0) - at(2 * images - 1, TIME)[~positive].mean(0)) / 2
    assert float((shift * boundary.normal).sum() / boundary.std) == pytest.approx(1, abs=0.1)  # classes far apart
    assert float(done.error.max()) < 1e-5


@torch.no_grad()
def test_to_a_value_all_stand_where_it_says() -> None:
    flow, (images, positive) = build(), two_classes()
    points = encode(flow, images, [TIME]).points[TIME]
    boundary = fit_boundary(points, positive, attribute="red", time=TIME, direction="normal")
    done = boundary_edit(flow, images[:6], torch.zeros(6, dtype=torch.long), [boundary], [0.0, 1.5], to_value=True)
    for one in done.edits:
        again = encode(flow, (one.latent + 1) / 2, [TIME]).points[TIME]
        assert torch.allclose(boundary.distance(again) / boundary.std, torch.full((6,), one.strength), atol=1e-3)


@torch.no_grad()
def test_a_kept_attribute_keeps_its_distance() -> None:
    flow, (images, positive) = build(), two_classes()
    points = encode(flow, images, [TIME]).points[TIME]
    red = fit_boundary(points, positive, attribute="red", time=TIME)
    half = torch.zeros_like(red.normal)
    half[0, :2] = 1
    half /= half.norm()
    top = replace(red, normal=half, direction=half, attribute="top", intercept=0.1)
    seeds = torch.zeros(4, dtype=torch.long)
    for keep, moves in (((), True), ((top,), False)):
        one = boundary_edit(flow, images[:4], seeds, [red], [1.0], keep=keep).edits[0]
        after = top.distance(at(one.latent, TIME)) - top.distance(at(2 * images[:4] - 1, TIME))
        assert (float(after.abs().min()) > 0.1) == moves
        assert moves or float(after.abs().max()) < 1e-3


@torch.no_grad()
def test_boundaries_of_several_times_are_passed_in_turn() -> None:
    flow, (images, positive) = build(), two_classes()
    points = encode(flow, images, [0.2, 0.6]).points
    one, other = (fit_boundary(points[t], positive, attribute="red", time=t) for t in (0.2, 0.6))
    done = boundary_edit(flow, images[:2], torch.zeros(2, dtype=torch.long), [other, one], [0.5]).edits[0]
    moves = [0.5 * b.std * _S / _spread(torch.tensor(b.time)) * b.direction for b in (one, other)]
    assert torch.allclose(done.latent, 2 * images[:2] - 1 + moves[0] + moves[1], atol=1e-3)
    done = boundary_edit(flow, images[:2], torch.zeros(2, dtype=torch.long), [other, one], [(0.0, 1.0)]).edits[0]
    assert torch.allclose(done.latent, 2 * images[:2] - 1 + 2 * moves[0], atol=1e-3)
    with pytest.raises(ValueError, match="one strength for all boundaries or one each"):
        boundary_edit(flow, images[:2], torch.zeros(2, dtype=torch.long), [other, one], [(0.0, 1.0, 2.0)])


@torch.no_grad()
def test_attributes_of_several_times_are_orthogonal() -> None:
    """What the first move does to the other attribute is taken back where that is moved, or kept."""
    flow, (images, positive) = build(), two_classes()
    points = encode(flow, images, [0.2, 0.6]).points
    red = fit_boundary(points[0.2], positive, attribute="red", time=0.2)
    half = torch.zeros_like(red.normal)
    half[0, :2] = 1
    half /= half.norm()
    top = replace(red, normal=half, direction=half, attribute="top", intercept=0.1, time=0.6)
    seeds, data = torch.zeros(2, dtype=torch.long), 2 * images[:2] - 1
    before = top.distance(at(data, 0.6))
    early = replace(top, time=0.1)  # which is not moved along, and changes nothing
    for boundaries, strengths in (([red, top], (1.0, 1.5)), ([red, early, top], (1.0, 0.0, 1.5))):
        done = boundary_edit(flow, images[:2], seeds, boundaries, [strengths]).edits[0]
        after = top.distance(at(done.latent, 0.6))
        assert torch.allclose(after, before + 1.5 * top.std, atol=1e-3)
    done = boundary_edit(flow, images[:2], seeds, [red, top], [(1.0, 0.0)]).edits[0]  # nothing is asked of it
    assert float((top.distance(at(done.latent, 0.6)) - before).min()) > 0.1
    carried = red.std * _spread(torch.tensor(0.6)) / _spread(torch.tensor(0.2)) * red.direction
    assert float((top.normal * carried).sum()) > 0.1  # what was taken back
    done = boundary_edit(flow, images[:2], seeds, [red, top], [(1.0, -1.5)], to_value=True).edits[0]
    assert torch.allclose(top.distance(at(done.latent, 0.6)), torch.full((2,), -1.5 * top.std), atol=1e-3)


@torch.no_grad()
def test_a_strength_of_nothing_is_the_image_but_for_the_solver() -> None:
    flow = network_flow(sampling={"solver": {"type": "RK4"}, "num_intervals": 24})
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.8 + 0.1
    unit = torch.ones(12, 4, 4) / (12 * 16) ** 0.5
    boundary = Boundary(normal=unit, direction=unit, intercept=0, std=1, time=0.3, attribute="a", accuracy=1)
    done = boundary_edit(flow, images, torch.tensor([0, 1]), [boundary], [0.0, 1.0])
    latent = flow.pipeline().trajectory(images, torch.tensor([0, 1])).x_1
    assert float(relative_rms(done.edits[0].latent, latent).max()) < 1e-3
    assert torch.equal(done.error, relative_rms(done.edits[0].latent, latent))
    assert torch.allclose(done.edits[0].image, images, atol=1e-3)
    assert done.edits[0].nfe == done.edits[1].nfe == 2 * 4 * 17


@torch.no_grad()
def test_in_the_bottleneck_nothing_changes_nothing_and_something_does() -> None:
    flow = network_flow(sampling={"solver": {"type": "Heun"}, "num_intervals": 4})
    images = torch.rand(32, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    positive = images.mean(dim=(1, 2, 3)) > images.mean(dim=(1, 2, 3)).median()
    encoded = encode(flow, images, [0.5], space="bottleneck")
    boundary = fit_boundary(encoded.points[0.5], positive, attribute="light", time=0.5, space="bottleneck")
    assert boundary.normal.shape == (16, 2, 2)
    seeds = torch.zeros(2, dtype=torch.long)
    done = boundary_edit(flow, images[:2], seeds, [boundary], [0.0, 1e-30, 2.0, -2.0])
    assert torch.equal(done.edits[0].latent, done.edits[1].latent)
    assert float((done.edits[2].latent - done.edits[3].latent).abs().max()) > 1e-5
    before, after = done.edits[2].distances["light"]
    assert torch.allclose(after - before, torch.full((2,), 2.0), atol=1e-4)
    assert [one.nfe for one in done.edits] == [9] * 4  # two steps of Heun there and back, and one to see the features


@torch.no_grad()
def test_an_attribute_has_a_boundary_in_each_space_and_at_several_times() -> None:
    flow = network_flow(sampling={"solver": {"type": "Heun"}, "num_intervals": 4})
    images = torch.rand(32, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    positive = images.mean(dim=(1, 2, 3)) > images.mean(dim=(1, 2, 3)).median()
    seeds, fitted = torch.zeros(2, dtype=torch.long), []
    for space, time in (("latent", 0.5), ("bottleneck", 0.5), ("bottleneck", 0.501)):
        points = encode(flow, images, [time], space=space).points[time]
        fitted.append(fit_boundary(points, positive, attribute="light", time=time, space=space))
    latent, deep, later = fitted
    both = boundary_edit(flow, images[:2], seeds, [latent, deep], [0.0, (1.0, 2.0)]).edits
    for one in both:
        for (before, after), k in zip(one.distances.values(), one.strengths, strict=True):
            assert torch.allclose(after - before, torch.full((2,), k), atol=1e-4)
    assert list(both[1].distances) == ["light (latent at 0.5)", "light (bottleneck at 0.5)"]
    alone = boundary_edit(flow, images[:2], seeds, [latent], [1.0]).edits[0]
    assert not torch.allclose(both[1].latent, alone.latent, atol=1e-5)
    same = replace(deep, time=later.time)  # a thousandth later
    first, second = boundary_edit(flow, images[:2], seeds, [deep, same], [(2.0, 0.0)]).edits[0].distances.values()
    assert torch.allclose(second[0], first[1], atol=0.05)  # it stands where the first one moved it to


@torch.no_grad()
def test_a_flow_from_an_input_and_a_class_is_walked_under_them() -> None:
    labels = [{"type": "ClassLabel", "classes": 3, "channels": 32, "dropout": 0.1}]
    flow = network_flow(conditions=labels, sampling={"num_intervals": 8, "guidance": 2.0, "solver": {"type": "RK4"}})
    for parameter in flow.conditions.parameters():
        parameter.mul_(50)
    images, label = torch.rand(2, 3, 8, 8), torch.tensor([0, 2])
    unit = torch.ones(12, 4, 4) / (12 * 16) ** 0.5
    keys = {"normal": unit, "direction": unit, "intercept": 0, "std": 1, "time": 0.3, "attribute": "a", "accuracy": 1}
    ends = [
        boundary_edit(flow, images, torch.tensor([0, 1]), [Boundary(**keys, guidance=scale)], [0.5],
                      given={"label": label}).edits[0].latent
        for scale in (0.0, 2.0)
    ]  # fmt: skip
    assert not torch.allclose(ends[0], ends[1], atol=1e-4)
    coupled = network_flow(coupling={"type": "LowresLatent", "noise": 64}, conditions=None, scale=2,
                           sampling={"num_intervals": 16, "solver": {"type": "RK4"}})  # fmt: skip
    low = torch.rand(1, 3, 4, 4)
    done = boundary_edit(
        coupled, torch.rand(1, 3, 8, 8), torch.tensor([0]), [Boundary(**keys)], [0.5], given={"low": low}
    )
    assert float(done.error.max()) < 1e-3


def test_what_does_not_belong_together_is_refused() -> None:
    flow, image, seeds = build(), torch.rand(1, 3, 4, 4), torch.tensor([0])
    unit = torch.ones(3, 4, 4) / 48**0.5
    one = Boundary(normal=unit, direction=unit, intercept=0, std=1, time=0.3, attribute="a", accuracy=1)
    for boundaries, keep, complaint in [
        ([], [], "an edit needs a boundary"),
        ([replace(one, model="0123")], [], "'a' is of another model .0123; this one is"),
        ([one], [replace(one, attribute="b", time=0.4)], "'b' is kept at time 0.4 in the latent, where nothing"),
        ([one, one], [], "every attribute once"),
        ([one, replace(one, attribute="b", guidance=0.0)], [], "fitted under one guidance"),
        ([one], [replace(one, attribute="b", guidance=0.0)], "fitted under one guidance"),
        ([replace(one, attribute="c", space="bottleneck")], [], "Gaussian names no bottleneck"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=complaint):
            boundary_edit(flow, image, seeds, boundaries, [1.0], keep=keep)
    with pytest.raises(ValueError, match="fits images of the size"):
        boundary_edit(flow, torch.rand(1, 3, 6, 6), seeds, [one], [1.0])


@torch.no_grad()
def test_the_mixing_time_is_that_of_the_objective() -> None:
    """Of a flow that is linear in its points an edit does the same at all times."""
    flow, (images, positive) = build(sampling={"num_intervals": 16, "solver": {"type": "Heun"}}), two_classes()
    encoded = encode(flow, images, [0.0, 0.3, 0.6, 0.9, 1.0], check=8)
    blue = images[:, 2].mean(dim=(1, 2))
    blue = blue > blue.median()

    def walk(rows: Tensor, points: Tensor, time: float) -> Tensor:
        return walk_on(flow, images[rows], points, time, batch=7)

    found = candidates(encoded, positive, walk, attribute="red", others={"blue": blue})
    assert [one.time for one in found] == [0.0, 0.3, 0.6, 0.9]
    errors = [one.error for one in found]
    assert 0 < min(errors) <= max(errors) < 0.01
    assert min(one.flips for one in found) > 0.9
    assert max(one.changes for one in found) < 0.5
    alone = candidates(encoded, positive, walk, attribute="red", trial=8)
    assert all(one.changes == 0 for one in alone)
    assert alone[-1].objective == pytest.approx(alone[-1].flips - math.atan(alone[-1].error) / math.pi)
    assert [one.trial for one in found] == [100] * 4
    equal = [replace(one, flips=0.5, changes=0.0, error=0.0) for one in found]
    assert mixing_time(equal).time == 0.0
    assert mixing_time([replace(one, flips=0.1 + one.time) for one in equal]).time == 0.9
    assert mixing_time([replace(one, flips=0.6 + one.time / 20) for one in equal]).time == 0.0
    many = [replace(one, flips=0.6 + one.time / 20, trial=100_000) for one in equal]
    assert mixing_time(many).time == 0.9
