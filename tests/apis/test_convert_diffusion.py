"""Diffusion models of pixels become models that draw, are inverted and edit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cfmrestore.apis.convert import convert
from cfmrestore.editing import RFInversion, rf_invert
from cfmrestore.ops.diffusion_schedule import alpha_bar
from cfmrestore.restore.sampler import Sampler
from tests.apis.test_convert import converted, start
from tests.networks.convert import foreign
from tests.networks.test_diffusers_unet_2d import saved

DDPM = {"image_size": 8, "heads": None, "encoder": None}


def steps(count: int) -> list[int]:
    return [round(999 * left / (count - 1)) for left in reversed(range(count))]


@pytest.mark.parametrize("format", ["ddpm", "adm"])
def test_noise_of_pixels_is_sampled_by_ddim(format: str, tmp_path: Path) -> None:
    if format == "ddpm":
        state = foreign.random_state(foreign.ddpm_shapes(32, (1, 2), 1, (1,)))
    else:
        shapes = foreign.guided_shapes(64, (1, 2), 1, (2,), inputs=3, outputs=6, in_blocks=True)
        state = foreign.random_state(shapes)
    sampler = Sampler.from_pretrained(converted(format, state, tmp_path, **DDPM))
    drawn = sampler.draw([0, 1], sampler.settings(num_intervals=4)).latent
    x, kept = start(sampler, [0, 1]), [*alpha_bar("linear")[steps(4)].float(), torch.tensor(1.0)]
    for step, here, after in zip(steps(4), kept, kept[1:], strict=False):
        t = torch.full((2,), float(step))
        eps = foreign.ddpm_unet(state, x, t) if format == "ddpm" else foreign.guided_unet(state, x, t, heads=2)[:, :3]
        data = (x - (1 - here).sqrt() * eps) / here.sqrt()
        x = after.sqrt() * data + (1 - after).sqrt() * eps
    assert torch.allclose(drawn, x, rtol=1e-3, atol=1e-3 * float(x.abs().max()))
    assert sampler.size(None, {}) == (8, 8)


def test_another_schedule_and_prediction(tmp_path: Path) -> None:
    """Improved DDPM's schedule, with a network that predicts velocities."""
    shapes = foreign.guided_shapes(64, (1, 2), 1, (2,), inputs=3, outputs=6, in_blocks=True)
    state = foreign.random_state(shapes)
    keys = {"schedule": "squared_cosine", "prediction": "velocity"}
    sampler = Sampler.from_pretrained(converted("adm", state, tmp_path, **DDPM, **keys))
    drawn = sampler.draw([0, 1], sampler.settings(num_intervals=4)).latent
    x, kept = start(sampler, [0, 1]), [*alpha_bar("squared_cosine")[steps(4)].float(), torch.tensor(1.0)]
    for step, here, after in zip(steps(4), kept, kept[1:], strict=False):
        u = foreign.guided_unet(state, x, torch.full((2,), float(step)), heads=2)[:, :3]
        data, noise = here.sqrt() * x - (1 - here).sqrt() * u, (1 - here).sqrt() * x + here.sqrt() * u
        x = after.sqrt() * data + (1 - after).sqrt() * noise
    assert torch.allclose(drawn, x, rtol=1e-3, atol=1e-3 * float(x.abs().max()))
    with pytest.raises(ValueError, match="schedule and prediction are of dit, ddpm, adm; sit says or has its own"):
        converted("sit", state, tmp_path, **DDPM, schedule="linear")
    with pytest.raises(ValueError, match="prediction is one of noise, velocity, data; got 'epsilon'"):
        converted("adm", state, tmp_path, **DDPM, prediction="epsilon")
    with pytest.raises(ValueError, match="unknown noise table 'cubic'"):
        converted("adm", state, tmp_path, **DDPM, schedule="cubic")


@torch.no_grad()
@pytest.mark.parametrize("classes", [None, 3])
def test_a_folder_of_diffusers(classes: int | None, tmp_path: Path) -> None:
    model = saved(tmp_path, num_class_embeds=classes)
    sampler = Sampler.from_pretrained(convert("diffusers", tmp_path, tmp_path / "ours.safetensors"))
    given = {} if classes is None else {"label": torch.tensor([2, 0])}
    drawn = sampler.draw([0, 1], sampler.settings(num_intervals=4), given=given)
    table = alpha_bar({"curve": "scaled_linear", "beta_start": 1e-4, "beta_end": 0.02})
    x, kept = start(sampler, [0, 1]), [*table[steps(4)].float(), torch.tensor(1.0)]
    for step, here, after in zip(steps(4), kept, kept[1:], strict=False):
        u = model(x, torch.full((2,), float(step)), class_labels=given.get("label")).sample  # it predicts velocities
        data, noise = here.sqrt() * x - (1 - here).sqrt() * u, (1 - here).sqrt() * x + here.sqrt() * u
        x = after.sqrt() * data + (1 - after).sqrt() * noise
    assert torch.allclose(drawn.latent, x, atol=1e-4)
    image, seeds = 0.3 + 0.4 * torch.rand(2, 3, 8, 8), torch.tensor([0, 1])
    flow = sampler.flow
    settings = RFInversion(steps=6, gamma=0.0)
    plain = flow.invert(image, seeds, replace(flow.sampling, num_intervals=6), given=given)
    assert torch.equal(rf_invert(flow, image, seeds, given, settings).latent, plain.latent)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(ValueError, match="holds one set of weights and says its heads"):
        convert("diffusers", tmp_path, tmp_path / "ours.safetensors", heads=2)
    (tmp_path / "scheduler" / "scheduler_config.json").unlink()
    with pytest.raises(ValueError, match=r"there is no scheduler_config\.json"):
        convert("diffusers", tmp_path, tmp_path / "ours.safetensors")
    with pytest.raises(ValueError, match="not of DDPM: there is no 'conv_in"):
        converted("ddpm", {"x": torch.zeros(1)}, tmp_path, **DDPM)
