"""Losses against hand-computed values, and those of flow maps against maps that are known."""

import copy
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from cfmrestore.contracts.analytic import GAUSSIAN, gaussian_map
from cfmrestore.contracts.losses import CONTRACT, check_frozen, check_gradients, check_values, wrong_network
from cfmrestore.contracts.losses import prediction as still
from cfmrestore.flows.losses import (
    MSE,
    RCGM,
    Adversarial,
    Consistency,
    FlowMapLoss,
    Huber,
    Imitation,
    Lattice,
    Loss,
    MeanFlow,
    Perceptual,
    PixelMSE,
    Prediction,
    Shortcut,
    TargetMSE,
    Trajectory,
)
from cfmrestore.flows.losses.adversarial import PatchDiscriminator
from cfmrestore.flows.losses.lattice import lattice
from cfmrestore.networks import DiT, UNet
from cfmrestore.ops.rng import ImageRng
from cfmrestore.paths import Linear
from cfmrestore.plugins import ContractError
from cfmrestore.registry import LOSSES
from cfmrestore.typing import Pair, Source

LOSSES.import_from_location()


def prediction(error: float, t: float = 0.5, batch: int = 2) -> Prediction:
    """Nothing moves, and a network says error * (1 + h)."""
    return still(wrong_network(error)[1], t, range(batch))


@pytest.mark.parametrize("check", CONTRACT.checks)
@pytest.mark.parametrize("name", sorted(LOSSES.module_dict))
def test_contract(name: str, check) -> None:
    check(CONTRACT.make(name, CONTRACT.cases_of(name)[0]))


class Detached(MSE):
    """No gradient reaches the network."""

    def __call__(self, prediction):
        return super().__call__(prediction).detach().requires_grad_()


class Stopped(Shortcut):
    """The step itself has no gradient."""

    def __call__(self, prediction):
        with torch.no_grad():
            return super().__call__(prediction)


class Summed(MSE):
    """One number for the batch."""

    def __call__(self, prediction):
        return super().__call__(prediction).mean()


class Shifted(MSE):
    """Not zero where nothing is wrong."""

    def __call__(self, prediction):
        return super().__call__(prediction) + 1


class Thawed(Perceptual):
    """Its network would be trained."""

    def __init__(self) -> None:
        super().__init__(**CONTRACT.cases["Perceptual"][0])
        self.frozen.requires_grad_(True)


@pytest.mark.parametrize(
    ("check", "mutant"),
    [
        (check_gradients, Detached),
        (check_gradients, Stopped),
        (check_values, Summed),
        (check_values, Shifted),
        (check_frozen, Thawed),
    ],
)
def test_contract_rejects_its_mutants(check, mutant: type[Loss]) -> None:
    with pytest.raises(ContractError):
        check(mutant())


def test_values() -> None:
    assert torch.allclose(MSE()(prediction(0.3)), torch.tensor(0.09))
    assert torch.allclose(Huber(delta=0.1)(prediction(0.3)), torch.tensor(0.1 * (0.3 - 0.05)))


def known(network, batch: int = 64, teacher=GAUSSIAN.v) -> Prediction:
    """Paths from N(0, 1) to N(m, s^2) and a network on them."""
    x_0, x_1 = (torch.randn(batch, 3, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in (0, 1))
    x_1 = 0.7 + 0.4 * x_1
    t = torch.rand(batch, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    source, path = Source(x_0, torch.zeros_like(x_0), torch.ones_like(x_0)), Linear()
    x_t, _ = path.sample(x_0, x_1, t)
    return Prediction(
        network, x_t, t, Pair(source, x_1), path, ImageRng(range(batch)), None, lambda latent: latent, teacher
    )


def mean_velocity(x: Tensor, t: Tensor, r: Tensor | None = None) -> Tensor:
    """u(x, t, r) of the flow between two Gaussians."""
    return GAUSSIAN.v(x, t) if r is None else gaussian_map(x, t, r)


def as_velocity(x: Tensor, t: Tensor, r: Tensor | None = None) -> Tensor:
    """The velocity for every step: Euler's method."""
    return GAUSSIAN.v(x, t)


LOSSES_OF_MAPS = {  # with the error that their finite steps leave, of the known map
    "shortcut": (Shortcut(), 1e-24),
    "mean flow, exact": (MeanFlow(power=0), 1e-20),
    "mean flow, difference": (MeanFlow(derivative="difference", epsilon=1e-4, power=0), 1e-6),  # one-sided at the ends
    "rcgm": (RCGM(delta=1e-4, clip=10.0), 1e-6),
    "consistency": (Consistency(steps=4096), 1e-12),
    "trajectory": (Trajectory(solver={"type": "RK4"}, num_intervals=64), 1e-12),
}


@pytest.mark.parametrize("name", LOSSES_OF_MAPS)
def test_the_map_of_a_flow_is_a_fixed_point(name: str) -> None:
    loss, error = LOSSES_OF_MAPS[name]
    right, wrong = loss(known(mean_velocity)), loss(known(as_velocity))
    assert right.max() < error
    assert wrong.mean() > 1e3 * right.mean()


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_the_derivative_by_differences_is_the_exact_one(power: float, monkeypatch: pytest.MonkeyPatch) -> None:
    t, r = torch.linspace(0.1, 0.5, 64, dtype=torch.float64), torch.linspace(0.6, 0.9, 64, dtype=torch.float64)
    monkeypatch.setattr(MeanFlow, "steps", lambda self, prediction: (t, r))
    exact, near = (
        MeanFlow(derivative=kind, epsilon=1e-3, power=power)(known(as_velocity)) for kind in ("exact", "difference")
    )
    assert torch.allclose(near, exact, rtol=1e-4)


@pytest.mark.parametrize("network", [UNet, DiT])
def test_the_derivative_by_differences_is_the_exact_one_of_a_network(network: type) -> None:
    """In float64, of networks whose time is not embedded a thousandfold."""
    sizes = {
        UNet: {"base_channels": 8, "channel_factors": (1,), "blocks": 1, "attention_factors": (), "groups": 4},
        DiT: {"width": 32, "depth": 2, "heads": 2, "patch": 2, "input_size": 8},
    }
    torch.manual_seed(0)
    built = network(channels=3, flow_map=True, time_scale=1.0, **sizes[network]).double().eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x, v = torch.randn(2, 2, 3, 8, 8, dtype=torch.float64)
    t, r = torch.tensor([0.2, 0.5], dtype=torch.float64), torch.tensor([0.9, 0.7], dtype=torch.float64)
    made = replace(known(lambda x, t, r=None: built(x, t, duration=None if r is None else r - t)), x_t=x, t=t)
    exact, near = (
        MeanFlow(derivative=kind, epsilon=1e-3)._along_the_flow(made, x, t, r, v) for kind in ("exact", "difference")
    )
    assert float(((near - exact).norm() / exact.norm()).detach()) < 1e-4


@pytest.mark.parametrize("loss", [RCGM(), Shortcut(), MeanFlow(), MeanFlow(derivative="difference")])
def test_a_step_of_no_length_is_the_velocity(loss: FlowMapLoss, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = torch.linspace(0, 1, 64, dtype=torch.float64)
    monkeypatch.setattr(loss, "steps", lambda prediction: (nowhere, nowhere))
    assert loss(known(mean_velocity)).max() < 1e-12


def test_what_the_path_keeps_of_the_mean_of_the_source_is_no_error_of_a_map() -> None:
    made, path = known(as_velocity), Linear(sigma_min=0.1)
    source = Source(made.pair.source.x_0, made.pair.source.x_0, torch.zeros_like(made.x_t))  # certain
    exact = lambda x, t, r: made.pair.x_1 - 0.9 * source.x_0  # noqa: E731
    made = Prediction(**{**made.__dict__, "path": path, "pair": Pair(source, made.pair.x_1), "network": exact})
    assert TargetMSE()(made).max() < 1e-20
    assert TargetMSE(steps=3)(made).max() < 1e-20


def test_an_error_is_divided_by_its_own_power() -> None:
    plain, weighted = (MeanFlow(power=power, c=0.1)(known(as_velocity)) for power in (0.0, 0.5))
    assert torch.allclose(weighted, plain / (plain + 0.1).sqrt())


def test_steps_are_those_of_few_intervals_for_a_share_of_the_images() -> None:
    made = known(as_velocity, batch=4000)
    t, r = Shortcut(intervals=(1, 4), share=0.5).steps(made)
    assert (t < r).all()
    assert r.max() <= 1
    length = (r - t).double()
    whole = ((length - 1).abs() < 1e-6).double().mean()
    quarter = (((length - 0.25).abs() < 1e-6) & ((4 * t.double()).frac().abs() < 1e-6)).double().mean()
    assert float(whole) == pytest.approx(0.25, abs=0.03)
    assert float(quarter) == pytest.approx(0.25, abs=0.03)
    t, r = Shortcut(intervals=()).steps(made)
    assert float((r - t).mean()) == pytest.approx(1 / 3, abs=0.02)  # uniform on the triangle
    with pytest.raises(ValueError, match="intervals are positive"):
        FlowMapLoss.__init__(Shortcut(), intervals=(0,))


class TinyMap(torch.nn.Module):
    """u(x, t, r) of one variable by a small network."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(9, 64), torch.nn.SiLU(), torch.nn.Linear(64, 64), torch.nn.SiLU(), torch.nn.Linear(64, 3)
        )

    def forward(self, x: Tensor, t: Tensor, r: Tensor | None = None) -> Tensor:
        h = torch.zeros_like(t) if r is None else r - t
        times = torch.stack([t, h, t * h], dim=1).expand(len(x), 3)
        return self.net(torch.cat([x, times, x * t[:, None]], dim=1).float()).to(x.dtype)


MAPS_OF_STEPS = {  # and in how many steps they are to beat what they begin with
    "shortcut": (Shortcut(), (1, 2, 4)),
    "mean flow, exact": (MeanFlow(), (1, 2, 4)),
    "mean flow, difference": (MeanFlow(derivative="difference"), (1, 2, 4)),
    "rcgm": (RCGM(), (1, 2, 4)),
    "consistency": (Consistency(steps=16), (1,)),
    "trajectory": (Trajectory(num_intervals=8), (1, 2, 4)),
}


@pytest.mark.parametrize("name", MAPS_OF_STEPS)
def test_training_shrinks_the_error_of_few_steps(name: str) -> None:
    """Before, each step is Euler's; of four of those the error is little, and that of so short a training not none."""
    loss, counts = MAPS_OF_STEPS[name]
    network, x_0 = TinyMap(), torch.randn(256, 3, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    end = GAUSSIAN.map(x_0, torch.ones(256, dtype=torch.float64))

    def error(count: int) -> float:
        x = x_0
        for t, r in pairwise(torch.linspace(0, 1, count + 1, dtype=torch.float64).expand(256, -1).unbind(dim=1)):
            x = x + network(x, t, r) / count
        return float((x - end).square().mean())

    def train(losses: list[Loss], steps: int) -> dict[int, float]:
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, total_iters=steps)
        for step in range(steps):
            made = known(network, batch=128)
            made = Prediction(**{**made.__dict__, "rng": ImageRng(range(step * 128, (step + 1) * 128))})
            sum(one(made).mean() for one in losses).backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        with torch.no_grad():
            return {count: error(count) for count in counts}

    before, after = train([MSE()], 300), train([MSE(), loss], 500)
    assert all(after[count] < (0.25 if count < 4 else 1) * before[count] for count in counts), (before, after)


def test_perceptual_counts_late_times_only_and_names_a_missing_backbone(tmp_path) -> None:
    late = Perceptual(backbone="random", net="alex", after=0.7)
    assert late(prediction(0.3, t=0.5)).abs().max() == 0
    assert late(prediction(0.3, t=0.9)).min() > 0
    with pytest.raises(ValueError, match=r"there is no file 'vgg\.pth'"):
        Perceptual(backbone="vgg.pth")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="missing or misshapen"):
        Perceptual(backbone=str(tmp_path / "other.pth"), net="alex")


def test_perceptual_in_the_features_of_an_extractor() -> None:
    loss = Perceptual(net="EfficientNetLite")
    check_values(loss)
    check_gradients(loss)
    made = prediction(0.2)
    assert torch.equal(loss(made), loss.frozen.distance(made.restored, made.target))
    assert not any(parameter.requires_grad for parameter in loss.frozen.parameters())
    assert Perceptual(net="EfficientNetLite", after=0.7)(prediction(0.3)).abs().max() == 0
    with pytest.raises(ValueError, match="net is vgg, alex, squeeze, or a feature extractor; got 'resnet'"):
        Perceptual(net="resnet")
    with pytest.raises(ValueError, match="in 'vgg' needs backbone"):
        Perceptual()


def test_perceptual_loads_torchvisions_weights(tmp_path) -> None:
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    import torchvision

    torch.manual_seed(1)
    alexnet = torchvision.models.alexnet(weights=None)
    torch.save(alexnet.state_dict(), tmp_path / "alexnet.pth")
    loss = Perceptual(backbone=str(tmp_path / "alexnet.pth"), net="alex")
    x = torch.rand(1, 3, 64, 64)
    expected = alexnet.features[:2](x)
    assert torch.allclose(loss.network.net.slice1(x), expected)


def test_pixel_mse_is_that_of_the_decoded_image() -> None:
    """Where nothing moves, a network that says 0.2 at t = 0.5 is 0.1 beside the data, and the decoder doubles it."""
    one = prediction(0.2)
    one = replace(one, decode=lambda latent: 2 * latent[:, :3], target=2 * one.pair.x_1[:, :3])
    assert torch.allclose(PixelMSE()(one), torch.full((2,), 0.2**2))
    assert PixelMSE(steps=0).needs_flow_map


class TestLattice:
    def test_a_known_lattice_counts_as_its_mean_square(self) -> None:
        """Plus and minus A in every second column, in step from period to period."""
        error = torch.tensor([0.1, -0.1]).repeat(16).expand(1, 1, 32, 32)
        assert torch.allclose(lattice(error, 4, 4).square().mean(), torch.tensor(0.01))
        assert lattice(torch.full((1, 3, 32, 32), 0.7), 4, 4).abs().max() < 1e-6

    def test_detail_without_a_phase_counts_little(self) -> None:
        noise = torch.randn(64, 1, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        assert float(lattice(noise, 4, 4).square().mean()) == pytest.approx((1 - 1 / 16) / 16, rel=0.02)

    def test_what_cannot_be_seen_is_refused(self) -> None:
        with pytest.raises(ValueError, match="of 2 or more; got 1 and 4"):
            Lattice(period=1)
        with pytest.raises(ValueError, match="looks at 128 pixels, and the crops have 64 x 64"):
            Lattice(window=32)(prediction(0.2))


def pictures(batch: int, seed: int) -> tuple[Tensor, Tensor, ImageRng]:
    """Noise, and what a blur leaves of it."""
    target = torch.rand(batch, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    blurred = torch.nn.functional.avg_pool2d(target, 3, stride=1, padding=1, count_include_pad=False)
    return blurred, target, ImageRng(range(batch))


class TestAdversarial:
    def test_two_alike_are_as_good_as_each_other(self) -> None:
        _, target, rng = pictures(2, 0)
        assert torch.allclose(Adversarial(begin=0).compare(target, target, rng), torch.tensor(2.0).log())

    def test_it_learns_what_is_wrong_and_what_is_not(self) -> None:
        loss = Adversarial(begin=0, channels=8)
        for seed in range(60):
            loss.compare(*pictures(8, seed))
        blurred, target, rng = pictures(8, 60)
        sharp = pictures(8, 61)[1]
        with torch.no_grad():
            assert loss.compare(blurred, target, rng).min() > 2
            assert 0.3 < loss.compare(sharp, target, rng).mean() < 1.2

    def test_its_gradient_leads_to_what_looks_like_an_original(self) -> None:
        loss = Adversarial(begin=0, channels=8)
        for seed in range(60):
            loss.compare(*pictures(8, seed))
        blurred, target, rng = pictures(8, 60)
        with torch.no_grad():
            before = loss.compare(blurred, target, rng)
        (gradient,) = torch.autograd.grad(loss.compare(blurred.requires_grad_(), target, rng).sum(), blurred)
        step = -gradient / gradient.square().mean().sqrt()
        with torch.no_grad():
            assert (loss.compare(blurred + 0.01 * step, target, rng) < before).all()

    def test_alone_at_first(self) -> None:
        loss = Adversarial(begin=2, channels=4)
        blurred, target, rng = pictures(2, 0)
        first = loss.discriminator.layers[0].weight.clone()
        values = [loss.compare(blurred.requires_grad_(), target, rng) for _ in range(3)]
        assert [bool((value > 0).all()) for value in values] == [False, False, True]
        assert not torch.equal(first, loss.discriminator.layers[0].weight)
        (gradient,) = torch.autograd.grad(values[0].sum(), blurred)
        assert not gradient.any()

    def test_nothing_is_learned_where_nothing_is_trained(self) -> None:
        loss = Adversarial(begin=0, channels=4)
        first = loss.state_dict()["discriminator"]["layers.0.weight"].clone()
        with torch.no_grad():
            loss.compare(*pictures(2, 0))
        assert torch.equal(first, loss.discriminator.layers[0].weight)
        assert loss.batches == 0

    def test_the_penalty_of_a_discriminator_that_is_a_sum(self) -> None:
        r"""Of :math:`D(x)_u = w \cdot x_u` the gradient at each place is w."""
        loss = Adversarial(begin=0)
        weight = torch.tensor([1.0, -2.0, 0.5])

        class Sum(PatchDiscriminator):
            def forward(self, image: Tensor, given: Tensor) -> Tensor:
                return (weight[:, None, None] * image).sum(1, keepdim=True)

        loss.discriminator = Sum(1)
        image = pictures(2, 0)[0]
        assert torch.allclose(loss._squared_gradient(image, image), weight.square().sum())

    def test_the_faithful_end_learns_nothing_of_it(self) -> None:
        loss, known = Adversarial(begin=0, steps=0), replace(prediction(0.2), flow_map=True)
        known.__dict__["share"] = torch.tensor([0.0, 1.0])
        faithful, natural = loss(known).tolist()
        assert faithful == 0
        assert natural > 0

    def test_it_goes_on_where_it_was(self) -> None:
        one, other = Adversarial(begin=3), Adversarial(begin=3)
        for seed in range(5):
            one.compare(*pictures(2, seed))
        other.load_state_dict(copy.deepcopy(one.state_dict()))
        assert torch.equal(one.compare(*pictures(2, 5)), other.compare(*pictures(2, 5)))
        assert torch.equal(one.compare(*pictures(2, 6)), other.compare(*pictures(2, 6)))

    def test_a_batch_that_is_not_finite_changes_nothing(self) -> None:
        loss = Adversarial(begin=0, channels=4)
        blurred, target, rng = pictures(2, 0)
        before = copy.deepcopy(loss.discriminator.state_dict())
        assert loss.compare(blurred / 0, target, rng).isnan().all()
        assert all(torch.equal(before[name], one) for name, one in loss.discriminator.state_dict().items())

    def test_what_cannot_be_is_refused(self) -> None:
        for keys in ({"channels": 0}, {"every": 0}, {"lr": 0.0}, {"penalty": -1.0}, {"begin": -1}):
            with pytest.raises(ValueError, match="Adversarial has channels"):
                Adversarial(**keys)
        with pytest.raises(ValueError, match="this data gives latents without one"):
            Adversarial()(replace(prediction(0.2), target=None))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_dial_begins_with_a_share_of_the_noise(share: float) -> None:
    """As in sampling: of a start 1 + 2 e, and a network that says 10 r, there comes 1 + 2 s e + 10 s."""
    mean, noise = torch.ones(1, 3, 4, 4), torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    source = Source(mean + 2 * noise, mean, 2 * mean)
    known = Prediction(
        lambda x, t, r: 10 * r + 0 * x, source.x_0, torch.zeros(1), Pair(source, mean), Linear(),
        ImageRng([0]), mean, lambda latent: latent, flow_map=True,
    )  # fmt: skip
    known.__dict__["share"] = torch.tensor([share])
    assert torch.allclose(known.dialed, mean + 2 * share * noise + 10 * share)


class TestImitation:
    def dialed(self, share: float, weight: float) -> Tensor:
        """What a network that says one number, trained to its end by both losses, restores where the dial stands."""
        value = torch.tensor(0.0, requires_grad=True)
        zero = torch.zeros(1, 3, 4, 4)
        known = Prediction(
            lambda x, t, r: value + 0 * x, zero, torch.zeros(1), Pair(Source(zero, zero, zero), zero + 1.0), Linear(),
            ImageRng([0]), zero + 1.0, lambda latent: latent, flow_map=True, peer=zero + 3.0,
        )  # fmt: skip
        known.__dict__["share"] = torch.tensor([share])
        loss = 2 * TargetMSE(steps=0)(known) + Imitation(loss=PixelMSE(weight=weight))(known)
        (slope,) = torch.autograd.grad(loss.sum(), value, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, value)
        return (value - slope / curvature).detach()

    @pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
    def test_it_is_drawn_to_the_mean_of_target_and_peer(self, share: float) -> None:
        """Of target 1 and peer 3, which count by 2 : 6 s."""
        assert torch.allclose(self.dialed(share, weight=6.0), torch.tensor((2 * 1 + 6 * share * 3) / (2 + 6 * share)))

    def test_all_of_it_counts_after_steps(self) -> None:
        known = replace(prediction(0.2), flow_map=True)
        whole, share = (Imitation(loss={"type": "PixelMSE"}, steps=steps)(known) for steps in (1, 0))
        assert (whole > share).all()
        assert (share > 0).all()

    def test_its_distance_brings_its_network(self) -> None:
        loss = Imitation(loss={"type": "Perceptual", "backbone": "random", "net": "alex"})
        assert loss.frozen is loss.loss.frozen is not None

    def test_what_cannot_be_is_refused(self) -> None:
        with pytest.raises(ValueError, match="takes a loss of pictures, and MSE is none"):
            Imitation(loss={"type": "MSE"})
        with pytest.raises(ValueError, match="steps is a number of steps, or 0; got -1"):
            Imitation(loss={"type": "PixelMSE"}, steps=-1)
        with pytest.raises(ValueError, match="take a PairedFolder with its peer_root"):
            Imitation(loss={"type": "PixelMSE"})(replace(prediction(0.2), flow_map=True, peer=None))
