"""Losses on whole results: MMD and drifting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.features import SeededNet
from cfmrestore.flows.losses import MMD, Drifting, GeneratedLoss, Prediction
from cfmrestore.flows.losses.spaces import build_spaces, samples_of
from cfmrestore.ops.drift import drift
from cfmrestore.ops.mmd import gaussian_kernel, squared_mmd
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths import Linear
from cfmrestore.registry import LOSSES
from cfmrestore.solvers import Euler, FlowMapEuler
from cfmrestore.typing import Pair, Source
from tests.flows.generated import Toy, made, ranks_and_one

F64 = torch.float64


def gradient(loss: GeneratedLoss, toy: Toy, prediction: Prediction) -> Tensor:
    toy.zero_grad()
    loss(prediction).mean().backward()
    return torch.cat([p.grad.flatten() for p in toy.parameters()])


def double(features: str = "SeededNet") -> nn.Module:
    (network,) = build_spaces(features)
    return network.double()


SETTINGS = {
    "set": {"kernel": "rbf"},
    "draws": {"kernel": "energy", "draws": 3},
    "patches": {"patches": 2, "features": [double(), "latent"]},
    "labels": {"per_label": True, "features": "pixels"},
}


@pytest.mark.parametrize("setting", sorted(SETTINGS))
@pytest.mark.parametrize("kind", [MMD, Drifting])
def test_two_passes_have_the_gradient_of_one(kind: type[GeneratedLoss], setting: str) -> None:
    keys = {"features": double(), **SETTINGS[setting]}
    if kind is Drifting:
        keys = {key: value for key, value in keys.items() if key != "kernel"}
    toy, prediction = made(6)
    whole = gradient(kind(**keys), toy, prediction)
    for chunk in (1, 4):
        parts = gradient(kind(**keys, chunk=chunk), toy, prediction)
        assert torch.allclose(parts, whole, rtol=1e-6, atol=1e-6 * float(whole.abs().max()))
    assert whole.abs().max() > 0


def held(run: Callable[[], Tensor]) -> int:
    """Bytes that are held for the way back."""
    seen: dict[int, int] = {}

    def pack(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        kept.append(x)
        return x

    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        run()
    return sum(seen.values())


def test_memory_does_not_grow_with_the_steps_nor_with_the_images() -> None:
    toy, prediction = made(8, width=64)
    latent = prediction.pair.x_1.nbytes
    few, many = (held(lambda k=k: MMD(features="latent", num_intervals=k)(prediction)) for k in (2, 8))
    assert many - few <= 6 * (latent + 8 * (len(prediction.x_t) + 4))  # the latents of six more steps, and times
    assert held(lambda: toy(prediction.x_t, prediction.t)) > 10 * latent  # what a step without it holds

    def chunked(chunk: int | None) -> int:
        return held(lambda: MMD(features=double(), num_intervals=2, chunk=chunk)(prediction))

    assert chunked(2) < chunked(None) / 4


def test_it_is_the_discrepancy_of_what_the_solver_makes() -> None:
    """By hand: starts of the source's law, Euler's steps, features, the estimate."""
    toy, prediction = made(5)
    noise = prediction.rng.fork("generated").normal(1, 3, 8, 8)[:, 0].double()
    x = prediction.pair.source.mean + prediction.pair.source.std * noise
    for n in range(4):
        x = x + toy(x, torch.full((5,), n / 4, dtype=F64), torch.arange(5, dtype=F64)) / 4
    y, real = x.flatten(1), prediction.pair.x_1.flatten(1)
    d = torch.pdist(real).median()
    kernel = lambda a, b: gaussian_kernel(a, b, sigma=float(d) / 2)  # noqa: E731
    loss = MMD(features="latent", kernel="rbf", bandwidths=(0.5,), num_intervals=4)(prediction)
    assert loss.shape == (5,)
    assert torch.allclose(loss, squared_mmd(y, real, kernel, paired=True).expand(5))
    network = double()
    pictures = MMD(features=network, num_intervals=4)(prediction)
    by_hand = squared_mmd(network((x / 2 + 0.5).clamp(0, 1)), network(prediction.target), paired=True)
    assert torch.allclose(pictures, by_hand.expand(5))


def test_a_flow_map_is_stepped_as_one() -> None:
    toy, prediction = made(3, flow_map=True)
    calls = []

    def network(x: Tensor, t: Tensor, r: Tensor) -> Tensor:
        calls.append((t.tolist(), r.tolist()))
        return toy(x, t)

    told = Prediction(**{**vars(prediction), "network": network, "flow_map": True})
    MMD(features="latent", num_intervals=2)(told)
    assert calls == [([0.0] * 3, [0.5] * 3), ([0.5] * 3, [1.0] * 3)]
    assert MMD(solver={"type": "FlowMapEuler"}).needs_flow_map
    assert not MMD(solver={"type": "Euler"}).needs_flow_map


def test_several_numbers_of_steps_are_all_taken() -> None:
    toy, prediction = made(3)
    counts = []
    for seed in range(30):
        calls = []
        network = lambda x, t, calls=calls: calls.append(t) or toy(x, t)  # noqa: E731
        rng = ImageRng([seed, 1, 2])
        MMD(num_intervals=(1, 2, 4))(Prediction(**{**vars(prediction), "network": network, "rng": rng}))
        counts.append(len(calls))
    assert set(counts) == {1, 2, 4}


def test_values_outside_the_picture_keep_their_gradients() -> None:
    toy, prediction = made(4)
    dark = Prediction(**{**vars(prediction), "decode": lambda z: z / 2 - 40})
    assert gradient(MMD(features="pixels", kernel="energy"), toy, dark).abs().max() > 0
    clamped = Prediction(**{**vars(prediction), "decode": lambda z: z * 0 - 40})
    pictures = MMD(features="pixels", kernel="energy").samples(clamped)[0]
    assert pictures[0].abs().max() == 0


def test_labels_are_compared_among_themselves() -> None:
    """Results that are the targets in another order have the law of all, and not that of each label."""
    label = torch.arange(6) % 2
    _, prediction = made(6, label=label)
    x = (label[:, None, None, None] * 2.0 - 1).double() + 0.1 * prediction.pair.x_1

    def of(results: Tensor, **keys: Any) -> float:
        start = Source(torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x))
        told = {"network": lambda x, t: results, "pair": Pair(start, x)}
        return float(MMD(kernel="energy", num_intervals=1, **keys)(Prediction(**{**vars(prediction), **told})).mean())

    assert of(x, per_label=True) == pytest.approx(0, abs=1e-9)
    assert of(x.roll(1, 0), per_label=True) > 1
    with pytest.raises(ValueError, match="two images of none"):
        MMD(per_label=True)(Prediction(**{**vars(prediction), "label": torch.arange(6)}))
    with pytest.raises(ValueError, match="needs data with labels"):
        MMD(per_label=True)(Prediction(**{**vars(prediction), "label": None}))


def test_places_are_those_of_the_maps() -> None:
    network, x = SeededNet().double(), torch.rand(2, 3, 16, 24, dtype=F64)
    places = torch.tensor([[[0.0, 0.0], [0.99, 0.5]], [[0.5, 0.99], [0.2, 0.2]]])
    found, maps = samples_of([network], x, x, places), network.maps(x)
    assert [tuple(one.shape) for one in found] == [(2, 2, 16), (2, 2, 32), (2, 2, 64)]
    assert torch.equal(found[0][0], torch.stack([maps[0][0, :, 0, 0], maps[0][0, :, 7, 6]]))
    assert torch.equal(found[2][1], torch.stack([maps[2][1, :, 1, 2], maps[2][1, :, 0, 0]]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [MMD, Drifting])
def test_two_ranks_have_the_gradient_of_one(kind: type[GeneratedLoss], tmp_path: Path) -> None:
    settings = [{}, {"draws": 2}, {"per_label": True}, {"patches": 2, "chunk": 2}]
    if kind is MMD:
        settings += [{"kernel": "rbf", "num_intervals": (1, 2, 3)}]
    for together, alone in ranks_and_one(kind, settings, tmp_path / "gradients.pt"):
        assert torch.allclose(together, alone, rtol=1e-6, atol=1e-6 * float(alone.abs().max()))
        assert alone.abs().max() > 0


def normal_map(results: Callable[[Tensor], Tensor], x: Tensor, draws: int) -> Prediction:
    """A flow from N(0, 1) whose one step leads to ``results`` of the start."""
    zero = torch.zeros_like(x)
    start = Source(zero, zero, zero + 1)
    network = lambda x, t: results(x) - x  # noqa: E731
    return Prediction(network, x, x.new_zeros(len(x)), Pair(start, x), Linear(), ImageRng(range(len(x))), None, Tensor)


@pytest.mark.parametrize("draws", [0, 2, 4])
def test_drifting_stands_still_at_the_law_of_the_data_and_leads_back_to_it(draws: int) -> None:
    """Data of N(0, 1): the mean force is zero on results of that law, and points back from results of others."""
    n = 400
    x = torch.randn(n, 1, 1, 1, generator=torch.Generator().manual_seed(5), dtype=F64)
    loss = Drifting(draws=draws, temperatures=(0.2, 1.0), normalize=False)

    def force(shift: float, scale: float) -> tuple[Tensor, Tensor]:
        (y,), (real,) = loss.samples(normal_map(lambda z: shift + scale * z, x, draws))
        group = loss._groups(real, None)
        of = group.repeat(max(draws, 1), 1)
        return y.flatten(), loss._force(y[:, 0], real[:, 0], of[:, 0], group[:, 0])[1].flatten()

    def outward(shift: float, scale: float) -> tuple[float, float]:
        """Mean force, and mean force away from zero."""
        y, v = force(shift, scale)
        return float(v.mean()), float((y.sign() * v).mean())

    (still, spread), right, left = outward(0.0, 1.0), outward(0.7, 1.0), outward(-0.7, 1.0)
    wide, narrow = outward(0.0, 2.0), outward(0.0, 0.4)
    assert max(right[0], -left[0]) < -4 * abs(still)
    assert max(wide[1], -narrow[1]) < -4 * abs(spread)


def test_the_field_of_equal_sets_is_zero() -> None:
    y, x = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0), dtype=F64)
    every = torch.ones(7, 7, dtype=torch.bool)
    keys = {"temperatures": (0.3, 1.0), "near_positive": every, "near_negative": every}
    for columns in (False, True):
        assert drift(y, x, x, columns=columns, normalize=False, **keys).abs().max() < 1e-12
        there, back = drift(y, x, x + 1, columns=columns, **keys), drift(y, x + 1, x, columns=columns, **keys)
        assert torch.allclose(there, -back)
        assert (there * -1).sum() > 0  # away from the negative samples
    one = drift(y, x, x + 1, normalize=True, **{**keys, "temperatures": (1.0,)})
    assert float(one.square().mean()) == pytest.approx(1)
    apart = torch.arange(7)[:, None] % 2 == torch.arange(7) % 2
    alone = drift(y, x, x + 1, normalize=False, **{**keys, "near_positive": apart, "near_negative": apart})
    few = torch.ones(4, 4, dtype=torch.bool)
    even = drift(
        y[::2], x[::2], x[::2] + 1, temperatures=(0.3, 1.0), near_positive=few, near_negative=few, normalize=False
    )
    assert torch.allclose(alone[::2], even)


def test_drifting_pulls_a_network_to_the_data() -> None:
    """A map z -> a + s z learns N(2, 0.5^2) from N(0, 1)."""
    x = 2 + 0.5 * torch.randn(128, 1, 1, 1, generator=torch.Generator().manual_seed(1), dtype=F64)
    parameters = torch.tensor([0.0, 1.0], dtype=F64, requires_grad=True)
    optimizer, loss = torch.optim.Adam([parameters], lr=0.03), Drifting()
    for step in range(250):
        prediction = normal_map(lambda z: parameters[0] + parameters[1] * z, x, 0)
        made = Prediction(**{**vars(prediction), "rng": ImageRng(range(step * 128, (step + 1) * 128))})
        optimizer.zero_grad()
        loss(made).mean().backward()
        optimizer.step()
    assert parameters[0].item() == pytest.approx(2, abs=0.15)
    assert parameters[1].abs().item() == pytest.approx(0.5, abs=0.15)


def test_mistakes_are_named() -> None:
    for keys, message in (
        ({"num_intervals": 0}, "num_intervals is a positive number"),
        ({"draws": 1}, "draws is 0, or 2 or more"),
        ({"draws": 2, "per_label": True}, "leave per_label out"),
        ({"kernel": "linear"}, "kernel is one of polynomial"),
        ({"features": []}, "names a space or more"),
        ({"features": "Inception4"}, "unknown feature extractor 'Inception4'"),
        ({"features": {"type": "SeededNet", "seed": 3}}, "SeededNet cannot be loaded with"),
    ):
        with pytest.raises(ValueError, match=message):
            LOSSES.build({"type": "MMD", **keys})
    with pytest.raises(ValueError, match="temperatures are positive"):
        Drifting(temperatures=(0.0,))
    with pytest.raises(ValueError, match="two results or more"):
        Drifting()(made(1)[1])


def check_generated(kind: type[GeneratedLoss]) -> None:
    """What a loss on whole results promises: gradients, steps of the solver from fresh starts, and frozen networks."""
    toy, prediction = made(6)
    loss = kind(features="SeededNet")
    network = loss.frozen.double()
    assert not any(p.requires_grad for p in network.parameters())
    value = loss(prediction)
    assert value.shape == (6,)
    assert gradient(loss, toy, prediction).abs().max() > 0
    assert torch.equal(loss(prediction), value)
    other = Prediction(**{**vars(prediction), "x_t": prediction.x_t + 1, "t": prediction.t / 2})
    assert torch.equal(loss(other), value)  # nothing of the training path counts
    fresh = Prediction(**{**vars(prediction), "rng": ImageRng(range(100, 106))})
    assert not torch.equal(loss(fresh), value)


class Detached(MMD):
    """No gradient reaches the network."""

    def compare(self, generated: Tensor, real: Tensor, label: Tensor | None) -> Tensor:
        return super().compare(generated.detach().requires_grad_(), real, label)


class SameStarts(MMD):
    """Starts that do not depend on the batch's streams."""

    def samples(self, prediction: Prediction) -> tuple[list[Tensor], list[Tensor]]:
        return super().samples(Prediction(**{**vars(prediction), "rng": ImageRng(range(len(prediction.x_t)))}))


@pytest.mark.parametrize("kind", [MMD, Drifting])
def test_contract(kind: type[GeneratedLoss]) -> None:
    check_generated(kind)


@pytest.mark.parametrize("mutant", [Detached, SameStarts])
def test_contract_rejects_its_mutants(mutant: type[GeneratedLoss]) -> None:
    with pytest.raises((AssertionError, AttributeError, TypeError)):
        check_generated(mutant)


def test_solvers_are_those_of_the_config() -> None:
    assert isinstance(MMD(solver={"type": "Euler"}).solver, Euler)
    assert isinstance(MMD(solver={"type": "FlowMapEuler"}).solver, FlowMapEuler)
