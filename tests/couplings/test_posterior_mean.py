"""The start at a regression's answer: its equations, whose weights they are, and what it costs."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.couplings import PosteriorMean
from cfmrestore.encoders import Haar, Identity
from cfmrestore.engine import checkpoints
from cfmrestore.execution import Execution
from cfmrestore.ops.diffusion_schedule import alpha_bar
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.tiles import Tiling, count
from cfmrestore.restore import Restorer
from cfmrestore.restore.settings import Settings
from cfmrestore.restore.tile_planner import multiple_of
from cfmrestore.solvers import Heun
from tests.restore.flows import NETWORK, LinearNetwork, config_of, random_flow, randomize, save_model
from tests.testing import TINY, run_tool, small_options

SMALL = {**NETWORK, "middle_attention": False}
REGRESSION = {"coupling": {"type": "LowresLatent", "noise": None}}
EXECUTION = Execution(device=torch.device("cpu"))
START = {"type": "PosteriorMean", "noise": 64, "network": SMALL}


def image(side: int = 8) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_the_start_is_the_regressions_answer_with_noise() -> None:
    encoder = Haar(factor=2)
    coupling = PosteriorMean(encoder=encoder, scale=2, network=SMALL, noise=64)
    coupling.network = LinearNetwork(encoder.channels).requires_grad_(False)
    source = coupling.source(image(), ImageRng([1]), EXECUTION)
    c = encoder.encode(resize(image(), scale=2))
    mean = c + coupling.network(c, torch.zeros(()), c)
    share = alpha_bar("cosine")[64]
    assert torch.allclose(source.lowres, mean, atol=1e-6)
    assert torch.allclose(source.mean, share.sqrt().float() * mean, atol=1e-6)
    assert torch.allclose(source.estimate, mean, atol=1e-6)
    assert torch.allclose(source.std, (1 - share).sqrt().float().expand_as(mean), atol=1e-6)


class Scaled(nn.Module):
    """r(c) = (rho - 1) c: the regression of a Gaussian whose noise leaves the part rho of the variance."""

    def __init__(self, rho: float) -> None:
        super().__init__()
        self.rho = rho

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        del t, context
        return (self.rho - 1) * x


@pytest.mark.parametrize(("context", "power"), [(False, 0.5), (True, 1.0)])
def test_the_error_is_that_of_the_transport_or_of_the_posterior(context: bool, power: float) -> None:
    r"""For x_1 ~ N(0, s^2) seen in noise: 2 s^2 (1 - sqrt(rho)) for the flow that sees x_t alone, and with
    :math:`\bar x` told 2 s^2 (1 - rho); by the exact velocities of both, :math:`E[x_1 - x_0 | x_t, ...]`."""
    s, rho = 0.5, 0.5
    torch.manual_seed(0)
    x_1 = s * torch.randn(64, 3, 32, 32)
    c = x_1 + s * (1 / rho - 1) ** 0.5 * torch.randn_like(x_1)
    space = Identity()
    coupling = PosteriorMean(encoder=space, scale=1, network=SMALL, noise=5)
    coupling.network = Scaled(rho)
    source = coupling.source(space.decode(c), ImageRng(range(64)), EXECUTION)
    share = float(alpha_bar("cosine")[5])
    sigma, root = (1 - share) ** 0.5, share**0.5  # x_0 = root x_bar + sigma noise

    def v(x: Tensor, t: Tensor) -> Tensor:
        explained = s**2 * (1 - rho) if context else s**2  # the variance of x_1, and of x_0 below, given what is told
        start = sigma**2 if context else share * rho * s**2 + sigma**2
        both = 0.0 if context else root * rho * s**2
        told = source.lowres if context else torch.zeros_like(x)
        mean = (1 - t) * root * told + t * told
        variance = (1 - t) ** 2 * start + t**2 * explained + 2 * t * (1 - t) * both
        covariance = t * explained - (1 - t) * start + (1 - 2 * t) * both
        return (1 - root) * told + covariance / variance * (x - mean)

    found = Heun().solve(v, source.x_0, torch.linspace(0, 1, 401) ** 2).x  # fine where it turns
    assert float((found - x_1).square().mean()) == pytest.approx(2 * s**2 * (1 - rho**power), rel=0.03)


def test_the_estimate_is_the_faithful_end() -> None:
    """Fidelity 1 costs the regression alone, what lies between one evaluation more than the draw."""
    flow = random_flow(scale=2, coupling=START)
    coupling = flow.coupling
    answer = coupling.source(image(), ImageRng([1]).fork("flow"), EXECUTION).estimate
    for fidelity, nfe in ((1.0, 1), (0.5, 3), (0.0, 3)):
        sampling = replace(flow.sampling, fidelity=fidelity)
        done = flow.pipeline(sampling).restore(image(), torch.tensor([1]))
        assert done.nfe == flow.nfe(sampling) == nfe
        assert torch.allclose(done.latent, answer, atol=1e-6) == (fidelity == 1)


def test_a_regression_is_a_flow_trained_at_zero_alone() -> None:
    """The answer of one evaluation of that flow is what the start is made of."""
    regression = random_flow(3, scale=2, **REGRESSION, sampling={"num_intervals": 1})
    coupling = PosteriorMean(encoder=Haar(factor=2), scale=2, network=SMALL, noise=None)
    coupling.network.load_state_dict(regression.network.state_dict())
    answer = regression.pipeline().restore(image(), torch.tensor([1])).latent
    assert torch.allclose(coupling.source(image(), ImageRng([1]), EXECUTION).x_0, answer, atol=1e-5)


def test_weights_are_read_when_training_begins_and_kept_in_the_checkpoint(tmp_path: Path) -> None:
    weights = save_model(tmp_path / "regression.pth", seed=3, **REGRESSION).with_suffix(".safetensors")
    flow = random_flow(coupling={**START, "weights": str(weights)})
    before = flow.state_dict()["coupling.network.stem.weight"].clone()
    flow.init_weights()
    after = flow.state_dict()["coupling.network.stem.weight"]
    assert not torch.equal(before, after)
    assert torch.equal(after, checkpoints.load(weights)["state_dict"]["network.stem.weight"])
    high = torch.rand(2, 3, 16, 16)
    low, seeds = resize(high, scale=0.25), torch.tensor([1, 2])
    flow.loss(high=high, low=low, seeds=seeds, numbers=torch.tensor([0, 1]))["loss_mse"].backward()
    assert all(p.grad is None for p in flow.coupling.network.parameters())
    assert any(p.grad is not None for p in flow.network.parameters())


def test_a_model_restores_without_the_regressions_file(tmp_path: Path) -> None:
    path = save_model(tmp_path / "model.pth", coupling={**START, "weights": "gone.safetensors"})
    picture = (image(16)[0].permute(1, 2, 0) * 255).byte().numpy()
    restored, _, nfe = Restorer.from_pretrained(path).restore(picture, Settings())
    assert restored.shape == (64, 64, 3)
    assert nfe == 2 + 1


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (None, "needs the regression's weights"),
        ("gone.safetensors", "there is no file"),
        ("other.pth", "name the .safetensors beside a checkpoint"),
        (".", "name the .safetensors beside a checkpoint"),
        ("noised.safetensors", "is no regression: train one with"),
        ("other.safetensors", "in the space of another encoder"),
        ("larger.safetensors", "is of another network"),
        ("gvp.safetensors", "trained with path 'GVP'; this start needs one of 'Linear'"),
        ("blurred.safetensors", "trained with upsample 'bilinear'; this start needs one of 'pixel'"),
        ("small.safetensors", "trained with scale 2; this start needs one of 4"),
        ("kept.safetensors", "trained with sigma_min 0.1; this start needs one of 0"),
    ],
)
def test_weights_that_are_none(tmp_path: Path, weights: str | None, message: str) -> None:
    save_model(tmp_path / "noised.pth")
    save_model(tmp_path / "other.pth", encoder={"type": "Haar", "factor": 4}, **REGRESSION)
    save_model(tmp_path / "larger.pth", network={**SMALL, "base_channels": 16}, **REGRESSION)
    save_model(tmp_path / "gvp.pth", path={"type": "GVP"}, **REGRESSION)
    save_model(tmp_path / "kept.pth", path={"type": "Linear", "sigma_min": 0.1}, **REGRESSION)
    save_model(tmp_path / "small.pth", scale=2, **REGRESSION)
    save_model(tmp_path / "blurred.pth", coupling={**REGRESSION["coupling"], "upsample": "bilinear"})
    keys = {} if weights is None else {"weights": str(tmp_path / weights)}
    with pytest.raises(ValueError, match=message):
        random_flow(coupling={**START, **keys}).init_weights()


def test_by_tiles_as_in_the_whole() -> None:
    """Also where the regression halves its input and the flow's network does not: tiles keep the phase of both."""
    flow = random_flow(scale=2, coupling={**START, "network": {**SMALL, "channel_factors": (1, 1, 1)}})
    randomize(flow.coupling.network, 1)
    flow.network = LinearNetwork(flow.encoder.channels)
    flow.network.forward = lambda x, t: 0.1 * x
    assert multiple_of(flow) == 4
    evaluated: list[str] = []
    tiling = Tiling(64, 56, multiple_of(flow))  # an overlap that holds all that the network sees
    whole, result = (
        flow.pipeline(execution=flow.execution(tiling=tiles, on_evaluation=partial(evaluated.append, kind))).restore(
            image(96), torch.tensor([1])
        )
        for kind, tiles in (("whole", None), ("tile", tiling))
    )
    assert float((whole.image - result.image).abs().max()) < 1 / 255
    assert whole.nfe == result.nfe == flow.nfe(flow.sampling) == evaluated.count("whole") == 3
    assert evaluated.count("tile") == 3 * count((96, 96), tiling)


def test_reduced_precision_is_for_both_networks() -> None:
    seen = []
    flow = random_flow(scale=2, coupling=START)
    flow.coupling.network.stem.register_forward_hook(lambda *args: seen.append(args[2].dtype))
    Restorer(flow, precision="bf16")(image(16))
    assert seen[-1] == torch.bfloat16  # those before count what it costs


@pytest.mark.slow
def test_a_training_that_goes_on_needs_no_file_of_the_regression(tmp_path: Path) -> None:
    weights = save_model(tmp_path / "regression.pth", **REGRESSION).with_suffix(".safetensors")
    coupling = {**START, "weights": str(weights), "_delete_": True}
    config = tmp_path / "config.py"
    config.write_text(f"_base_ = {str(TINY)!r}\nmodel = dict(coupling={coupling!r})\n")
    train, options = partial(run_tool, "train.py", config, "--no-validate", "--work-dir"), small_options(tmp_path)
    train(tmp_path / "run", options={**options, "train_cfg.max_iters": 3})
    weights.unlink()
    assert "resumed at iteration 3" in train(tmp_path / "run", "--resume", options=options)
    assert "there is no file" in train(tmp_path / "new", options=options, expect=1)


def test_noise_filled_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples to fill"):
        PosteriorMean(encoder=Haar(factor=2), network=config_of()["network"], upsample="noise_filled")
