"""diffusers' UNet2DModel as a velocity: the samples of its own DDIM, and the way back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.networks import DiffusersUNet2D, DiffusionVelocity
from cfmrestore.networks.diffusers_folder import prediction_of, read_folder, schedule_of, unet_2d_model
from cfmrestore.paths import StraightDiffusion
from cfmrestore.solvers import Euler
from cfmrestore.solvers.grids import DiffusionGrid
from tests.restore.flows import randomize

CONFIG = {
    "sample_size": 8, "in_channels": 3, "out_channels": 3, "block_out_channels": [8, 16], "layers_per_block": 1,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D"], "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
    "norm_num_groups": 4, "attention_head_dim": 8,
}  # fmt: skip
SCHEDULERS = [
    {"beta_schedule": "linear"},
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    {"beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 400},
]


def noise(batch: int = 2, side: int = 8) -> Tensor:
    return torch.randn(batch, 3, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def network(**keys: object) -> DiffusersUNet2D:
    built = DiffusersUNet2D(channels=3, config={**CONFIG, **keys})
    randomize(built)
    with torch.no_grad():
        built.model.conv_out.weight.mul_(4)  # so that what is predicted is of the size of noise
    return built.double().eval()


class Plausible(nn.Module):
    """A random network's answer beside its input, which is most of the noise: what is sampled stays of that size."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x + self.network(x, t)


def wrapped(inner: nn.Module, scheduler: dict) -> tuple[Callable[[Tensor, Tensor], Tensor], Callable[[int], Tensor]]:
    """Our velocity, and our grid, of a schedule."""
    table = schedule_of(scheduler)
    path = StraightDiffusion(schedule=table)
    prediction = prediction_of(scheduler)
    v = DiffusionVelocity(network=inner, path=path, channels=3, schedule=table, prediction=prediction)
    return lambda x, t: v(x, t.expand(len(x))), DiffusionGrid(schedule=table, spacing="trailing")


@torch.no_grad()
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda one: one["beta_schedule"])
def test_euler_is_the_ddim_of_diffusers(scheduler: dict, prediction: str) -> None:
    """Timesteps are spaced as "trailing": its steps to the previous one are those of its list, and the first is the
    last that was trained, where the path begins. Its table is in float32."""
    inner = Plausible(network())
    from diffusers import DDIMScheduler

    theirs = DDIMScheduler(
        **scheduler, prediction_type=prediction, clip_sample=False, timestep_spacing="trailing", set_alpha_to_one=True
    )
    velocity, grid = wrapped(inner, dict(theirs.config))
    ours = Euler().solve(velocity, noise(), grid(50)).x
    theirs.alphas_cumprod = theirs.alphas_cumprod.double()
    theirs.set_timesteps(50)
    x = noise()
    for step in theirs.timesteps:
        x = theirs.step(inner(x, step.expand(2).double()), step, x, eta=0.0).prev_sample
    assert torch.allclose(ours, x, rtol=1e-5, atol=1e-5 * float(x.abs().max()))
    linspace = DiffusionGrid(schedule=schedule_of(scheduler))(50)
    other = Euler().solve(velocity, noise(), linspace).x
    assert not torch.allclose(other, x, rtol=1e-5, atol=1e-5 * float(x.abs().max()))


@torch.no_grad()
def test_there_and_back() -> None:
    """Fine steps backward lead to the noise; plain DDIM inversion of 50 less closely."""
    velocity, grid = wrapped(network(), SCHEDULERS[0])
    errors = []
    for count in (50, 200):
        image = Euler().solve(velocity, noise(), grid(count)).x
        back = Euler().solve(velocity, image, grid(count).flip(0)).x
        again = Euler().solve(velocity, back, grid(count)).x
        errors.append(float((again - image).norm() / image.norm()))
    assert errors[0] < 0.1
    assert errors[1] < 0.6 * errors[0]


@torch.no_grad()
def test_of_learned_variances_the_first_half_is_taken() -> None:
    plain, learned = network(), network(out_channels=6)
    state = {name: value.clone() for name, value in plain.state_dict().items()}
    for name in ("model.conv_out.weight", "model.conv_out.bias"):
        state[name] = torch.cat([state[name], torch.ones_like(state[name])])
    learned.load_state_dict(state)
    t = torch.tensor([3.0, 500.0], dtype=torch.float64)
    assert torch.allclose(learned(noise(), t), plain(noise(), t))
    assert not torch.allclose(plain(noise(), t), plain(noise(), t.flip(0)))


@torch.no_grad()
@pytest.mark.parametrize("size", [(8, 8), (7, 13), (1, 1)])
def test_any_size(size: tuple[int, int]) -> None:
    x = torch.randn(1, 3, *size, dtype=torch.float64)
    assert network()(x, torch.ones(1, dtype=torch.float64)).shape == x.shape


@torch.no_grad()
def test_what_it_is_told_matters() -> None:
    told = DiffusersUNet2D(channels=3, context_channels=2, embedding_channels=32, config={**CONFIG, "in_channels": 5})
    randomize(told)
    told.double().eval()
    t = torch.ones(2, dtype=torch.float64)
    context, embedding = torch.randn(2, 2, 8, 8, dtype=torch.float64), torch.randn(2, 32, dtype=torch.float64)
    base = told(noise(), t, context=context, embedding=embedding)
    assert not torch.allclose(told(noise(), t, context=context + 1, embedding=embedding), base)
    assert not torch.allclose(told(noise(), t, context=context, embedding=embedding + 1), base)


def saved(folder: Path, **keys: object) -> nn.Module:
    """What diffusers saves of a random model, with a schedule beside it."""
    model = unet_2d_model()(**{**CONFIG, **keys})
    randomize(model)
    model.save_pretrained(str(folder / "unet"))
    from diffusers import DDPMScheduler

    DDPMScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction").save_pretrained(
        str(folder / "scheduler")
    )
    return model.eval()


@torch.no_grad()
def test_a_folder_of_diffusers_is_read(tmp_path: Path) -> None:
    model = saved(tmp_path)
    t = torch.tensor([7.0, 70.0])
    ours = DiffusersUNet2D(channels=3, folder=str(tmp_path)).eval()
    assert torch.equal(ours(noise().float(), t), model(noise().float(), t).sample)
    found = read_folder(tmp_path)["scheduler"]
    assert schedule_of(found) == {"curve": "scaled_linear", "steps": 1000, "beta_start": 1e-4, "beta_end": 0.02}
    assert prediction_of(found) == "velocity"
    bare = tmp_path / "unet"
    state = {name.replace("to_q", "query").replace("to_out.0", "proj_attn"): value
             for name, value in model.state_dict().items()}  # fmt: skip
    (bare / "diffusion_pytorch_model.safetensors").unlink()
    torch.save(state, bare / "diffusion_pytorch_model.bin")
    older = DiffusersUNet2D(channels=3, folder=str(bare)).eval()
    assert torch.equal(older(noise().float(), t), ours(noise().float(), t))


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the config of a UNet2DModel, or the folder of one"):
        DiffusersUNet2D(channels=3)
    with pytest.raises(ValueError, match="takes 3 channels and predicts 3; the flow has 4"):
        DiffusersUNet2D(channels=4, config=CONFIG)
    with pytest.raises(ValueError, match="takes an embedding of 32 channels; the conditions make one of 5"):
        DiffusersUNet2D(channels=3, embedding_channels=5, config=CONFIG)
    with pytest.raises(ValueError, match="no noise level"):
        DiffusersUNet2D(channels=3, noise_level=True, config=CONFIG)
    with pytest.raises(ValueError, match=r"holds no config\.json"):
        DiffusersUNet2D(channels=3, folder=str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"}))
    with pytest.raises(ValueError, match="holds a AutoencoderKL"):
        DiffusersUNet2D(channels=3, folder=str(tmp_path))
    for scheduler, message in (
        ({"beta_schedule": "sigmoid"}, "a schedule of sigmoid is not known"),
        ({"trained_betas": [0.1]}, "a list of betas is not known"),
        ({"rescale_betas_zero_snr": True}, "no signal"),
    ):
        with pytest.raises(ValueError, match=message):
            schedule_of(scheduler)
    with pytest.raises(ValueError, match="spacing is 'linspace' or 'trailing'"):
        DiffusionGrid(spacing="leading")
    with pytest.raises(ValueError, match="curve, steps, beta_start and beta_end; got ends too"):
        StraightDiffusion(schedule={"curve": "linear", "ends": 3})
    with pytest.raises(ValueError, match="the betas of a noise table rise"):
        StraightDiffusion(schedule={"curve": "linear", "beta_start": 0.5, "beta_end": 0.1})
