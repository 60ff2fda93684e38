"""The start at a regression's answer: its equations, whose weights they are, and what it costs."""

from pathlib import Path

import pytest
import torch

from cfmrestore.couplings import PosteriorMean
from cfmrestore.couplings.noise import alpha_bar
from cfmrestore.encoders import Haar
from cfmrestore.engine import checkpoints
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.tiles import Tiling
from cfmrestore.restore import Restorer
from cfmrestore.restore.settings import Settings
from tests.restore.flows import NETWORK, LinearNetwork, config_of, random_flow, save_model

SMALL = {**NETWORK, "middle_attention": False}
REGRESSION = {"coupling": {"type": "LowresLatent", "noise": None}}
START = {"type": "PosteriorMean", "noise": 64, "network": SMALL}


def image(side: int = 8) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_the_start_is_the_regressions_answer_with_noise() -> None:
    encoder = Haar(factor=2)
    coupling = PosteriorMean(encoder=encoder, scale=2, network=SMALL, noise=64)
    coupling.network = LinearNetwork(encoder.channels).requires_grad_(False)
    source = coupling.source(image(), ImageRng([1]))
    c = encoder.encode(resize(image(), scale=2))
    mean = c + coupling.network(c, torch.zeros(()), c)
    share = alpha_bar("cosine")[64]
    assert torch.allclose(source.condition["context"], mean, atol=1e-6)
    assert torch.allclose(source.mean, share.sqrt().float() * mean, atol=1e-6)
    assert torch.allclose(source.std, (1 - share).sqrt().float().expand_as(mean), atol=1e-6)


def test_a_regression_is_a_flow_trained_at_zero_alone() -> None:
    """The answer of one evaluation of that flow is what the start is made of."""
    regression = random_flow(3, scale=2, **REGRESSION, sampling={"num_intervals": 1})
    coupling = PosteriorMean(encoder=Haar(factor=2), scale=2, network=SMALL, noise=None)
    coupling.network.load_state_dict(regression.network.state_dict())
    answer = regression.restoring().of_image(image(), torch.tensor([1])).latent
    assert torch.allclose(coupling.source(image(), ImageRng([1])).x_0, answer, atol=1e-5)


def test_weights_are_read_when_training_begins_and_kept_in_the_checkpoint(tmp_path: Path) -> None:
    weights = save_model(tmp_path / "regression.pth", seed=3, **REGRESSION).with_suffix(".safetensors")
    flow = random_flow(coupling={**START, "weights": str(weights)})
    before = flow.state_dict()["start_network.stem.weight"].clone()
    flow.init_weights()
    after = flow.state_dict()["start_network.stem.weight"]
    assert not torch.equal(before, after)
    assert torch.equal(after, checkpoints.load(weights)["state_dict"]["network.stem.weight"])
    high = torch.rand(2, 3, 16, 16)
    flow.loss(high, resize(high, scale=0.25), torch.tensor([1, 2]), torch.tensor([0, 1]))["loss_mse"].backward()
    assert all(p.grad is None for p in flow.start_network.parameters())
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
        ("other.safetensors", "is of another network: stem.weight"),
    ],
)
def test_weights_that_are_none(tmp_path: Path, weights: str | None, message: str) -> None:
    save_model(tmp_path / "other.pth", encoder={"type": "Haar", "factor": 4})
    keys = {} if weights is None else {"weights": str(tmp_path / weights)}
    with pytest.raises(ValueError, match=message):
        random_flow(coupling={**START, **keys}).init_weights()


def test_by_tiles_as_in_the_whole() -> None:
    flow = random_flow(scale=2, coupling=START)
    flow.network = LinearNetwork(flow.encoder.channels)
    flow.start_network = flow.coupling.network = LinearNetwork(flow.encoder.channels, seed=1).requires_grad_(False)
    asked = []
    whole = flow.restoring(on_tile=lambda: asked.append("whole")).of_image(image(32), torch.tensor([1]))
    tiled = flow.restoring(tiling=Tiling(16, 8, 1), on_tile=lambda: asked.append("tile"))
    result = tiled.of_image(image(32), torch.tensor([1]))
    assert torch.allclose(whole.image, result.image, atol=1e-5)
    assert whole.nfe == result.nfe == flow.evaluations(flow.sampling) == 3
    assert asked.count("whole") == 3
    assert asked.count("tile") == 3 * 9


def test_noise_filled_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples to fill"):
        PosteriorMean(encoder=Haar(factor=2), network=config_of()["network"], upsample="noise_filled")
