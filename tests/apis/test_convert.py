"""Released checkpoints of other projects become models that draw and restore."""

import argparse
import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cfmrestore.apis.convert import convert
from cfmrestore.cli import main as cli
from cfmrestore.ops.diffusion_schedule import alpha_bar
from cfmrestore.ops.rng import ImageRng
from cfmrestore.restore import Restorer
from cfmrestore.restore.sampler import Sampler
from tests.networks.convert import foreign

PIXELS = {"type": "Identity"}
HEADS = 3
DIT = {"width": 48, "depth": 2, "channels": 3, "rows": 11, "side": 8}


def dit_state(outputs: int = 6, seed: int = 0, **keys: int) -> dict[str, Tensor]:
    return foreign.random_state(foreign.dit_shapes(**{**DIT, "outputs": outputs, **keys}), seed)


def saved(contents: Any, folder: Path, name: str = "theirs.pth") -> Path:
    torch.save(contents, folder / name)
    return folder / name


def converted(format: str, contents: Any, folder: Path, **keys: Any) -> Path:
    keys = {"encoder": PIXELS, **({} if format == "fmboost" else {"image_size": 8, "heads": HEADS}), **keys}
    return convert(format, saved(contents, folder), folder / "ours.safetensors", overwrite=True, **keys)


def described(file: Path) -> dict[str, Any]:
    with safe_open(file, framework="pt") as opened:
        return json.loads(opened.metadata()["meta"])


def start(sampler: Sampler, seeds: list[int], side: int = 8) -> Tensor:
    """The noise from which pictures of these seeds are drawn."""
    rng = sampler.flow.sampling.fork(ImageRng(torch.tensor(seeds)))
    return sampler.flow.coupling.source_without_input(torch.zeros(len(seeds), 3, side, side), rng).x_0


def test_lfm_counts_time_the_other_way(tmp_path: Path) -> None:
    state = dit_state(outputs=3)
    file = converted("lfm", {f"module.{name}": value for name, value in state.items()}, tmp_path)
    sampler, label = Sampler.from_pretrained(file), torch.tensor([4, 7])
    settings = sampler.settings(solver="Euler", num_intervals=5)
    drawn = sampler.draw([0, 1], settings, given={"label": label}).latent
    x = start(sampler, [0, 1])
    for s in (1.0, 0.8, 0.6, 0.4, 0.2):  # theirs: from noise at 1 to data at 0
        x = x - 0.2 * foreign.dit(state, x, torch.full((2,), s), label, heads=HEADS)
    assert torch.allclose(drawn, x, atol=1e-4)
    assert described(file)["model"]["path"] == {"type": "Linear", "sigma_min": 1e-5}
    assert [picture.size for picture in sampler(labels=[1], guidance=1.5, solver="Euler", num_intervals=2)] == [(8, 8)]


@pytest.mark.parametrize("kind", ["edm", "guided"])
def test_lfms_convolutional_networks(kind: str, tmp_path: Path) -> None:
    x, t = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0.2, 0.6])
    if kind == "edm":
        state = foreign.random_state(foreign.edm_shapes(128, (1, 2), 1, (4,), side=8, channels=3))
        expected = -foreign.edm_unet(state, x, 1 - t)
    else:
        state = foreign.random_state(foreign.guided_shapes(32, (1, 2), 1, (2,), inputs=3, outputs=3))
        expected = -foreign.guided_unet(state, x, 1 - t, heads=4)
    flow = Sampler.from_pretrained(converted("lfm", {"model_dict": state, "epoch": 3}, tmp_path, heads=None)).flow
    assert torch.allclose(flow.network(x, t), expected, atol=1e-4 * float(expected.abs().max()))
    assert len(flow.conditions) == 0


def test_what_would_be_ignored_is_refused(tmp_path: Path) -> None:
    state = foreign.random_state(foreign.edm_shapes(128, (1, 2), 1, (4,), side=8, channels=3))
    with pytest.raises(ValueError, match="64 channels each: leave heads out"):
        converted("lfm", state, tmp_path)
    with pytest.raises(ValueError, match="leave image_size out"):
        converted("fmboost", lightning(), tmp_path, image_size=8)


def test_one_that_is_told_an_image_is_refused(tmp_path: Path) -> None:
    state = foreign.random_state(foreign.guided_shapes(32, (1, 2), 1, (), inputs=8, outputs=3))
    with pytest.raises(ValueError, match=r"theirs\.pth.* told 5 channels beside x has no converter"):
        converted("lfm", state, tmp_path, heads=None)


def test_sit_has_our_clock_and_a_trainer_stores_two_sets(tmp_path: Path) -> None:
    sets = {"model": dit_state(seed=1), "ema": dit_state(seed=2)}
    contents = {**sets, "opt": {"state": {}}, "args": argparse.Namespace(model="SiT-XL/2")}
    x, t = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0.2, 0.6])
    label = torch.tensor([0, 10])
    for weights, used in ((None, "ema"), ("ema", "ema"), ("model", "model")):
        flow = Sampler.from_pretrained(converted("sit", contents, tmp_path, weights=weights)).flow
        told = flow.conditions["ClassLabel"].table(label)
        expected = foreign.dit(sets[used], x, t, label, heads=HEADS)[:, :3]
        assert torch.allclose(flow.network(x, t, embedding=told), expected, atol=1e-5)
    del contents["ema"]
    with pytest.raises(ValueError, match="no weights 'ema'; it has model"):
        converted("sit", contents, tmp_path, weights="ema")
    with pytest.raises(ValueError, match="one set of weights and does not say which"):
        converted("sit", sets["model"], tmp_path, weights="ema")


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_dit_is_drawn_by_ddim(guidance: float, tmp_path: Path) -> None:
    state = dit_state()
    sampler, label = Sampler.from_pretrained(converted("dit", state, tmp_path)), torch.tensor([3, 8])
    assert sampler.flow.sampling.nfe == 50
    settings = sampler.settings(num_intervals=4, guidance=guidance)
    drawn = sampler.draw([5, 6], settings, given={"label": label}).latent
    x, kept = start(sampler, [5, 6]), alpha_bar("linear")
    for step, after in zip((999, 666, 333, 0), (666, 333, 0, None), strict=True):
        t = torch.full((2,), float(step))
        of_class, of_none = (foreign.dit(state, x, t, y, heads=HEADS)[:, :3] for y in (label, torch.full((2,), 10)))
        eps = of_none + guidance * (of_class - of_none)
        here, there = float(kept[step]), 1.0 if after is None else float(kept[after])
        data = (x - math.sqrt(1 - here) * eps) / math.sqrt(here)
        x = math.sqrt(there) * data + math.sqrt(1 - there) * eps
    assert torch.allclose(drawn, x, atol=1e-4 * float(x.abs().max()))


def lightning(hyper_parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    """A checkpoint as FMBoost's trainer leaves it."""
    shapes = foreign.guided_shapes(32, (1, 2), 1, (2,), inputs=6, outputs=3, features=32)
    sets = {"ema_model.ema_model.net.": foreign.random_state(shapes, 1), "model.net.": foreign.random_state(shapes, 2)}
    state = {prefix + name: value for prefix, weights in sets.items() for name, value in weights.items()}
    state |= {"ema_model.initted": torch.tensor(True), "ema_model.step": torch.tensor(5)}
    state |= {"first_stage.encoder.conv_in.weight": torch.zeros(1), "metric_tracker.fid.inception": torch.zeros(1)}
    settings = {} if hyper_parameters is None else {"hyper_parameters": hyper_parameters}
    return {"state_dict": state, "epoch": 1, "callbacks": {}, "optimizer_states": [{}], **settings}


NET = {"net_cfg": {"params": {"use_linear_attn": False, "num_heads": 2}}}
SETTINGS = {"low_res_size": 256, "high_res_size": 1024, "upsampling_mode": "bilinear", "noising_step": -1}
SETTINGS |= {"fm_cfg": {"params": {"schedule": "gvp", **NET}}}


def test_fmboost_restores(tmp_path: Path) -> None:
    contents = lightning()
    for weights, prefix in ((None, "ema_model.ema_model.net."), ("model", "model.net.")):
        file = converted("fmboost", contents, tmp_path, weights=weights)
        restorer = Restorer.from_pretrained(file)
        state = {k.removeprefix(prefix): v for k, v in contents["state_dict"].items() if k.startswith(prefix)}
        x = torch.randn(2, 6, 8, 8, generator=torch.Generator().manual_seed(0))
        t = torch.tensor([0.0, 0.6])
        expected = foreign.guided_unet(state, x, t, heads=4, fmboost=True)
        v = restorer.stages[0].flow.network(x[:, :3], t, context=x[:, 3:])
        assert torch.allclose(v, expected, atol=1e-4 * float(expected.abs().max()))
    assert restorer(Image.new("RGB", (8, 6)), num_intervals=2).size == (16, 12)
    coupling = {"type": "LowresLatent", "upsample": "bilinear", "noise": 400, "table": "cosine"}
    assert described(file)["model"]["coupling"] == coupling
    assert "image_size" not in described(file)["model"]


def test_fmboosts_settings_are_read(tmp_path: Path) -> None:
    model = described(converted("fmboost", lightning(SETTINGS), tmp_path))["model"]
    assert (model["scale"], model["path"], model["network"]["heads"]) == (4, {"type": "GVP"}, 2)
    assert (model["coupling"]["upsample"], model["coupling"]["noise"]) == ("latent", None)
    contents = lightning(SETTINGS | {"start_from_noise": True})
    noise = described(converted("fmboost", contents, tmp_path))["model"]
    assert noise["coupling"] == {"type": "Independent", "upsample": "latent"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fm_cfg": {"params": {"net_cfg": {"params": {"use_linear_attn": True}}}}}, "linear attention"),
        ({"upsampling_mode_context": "nearest"}, r"\('bilinear', 'nearest'\) has no converter"),
    ],
)
def test_what_fmboost_can_and_we_cannot_is_said(change: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        converted("fmboost", lightning(SETTINGS | change), tmp_path)


def test_unknown_tensors_of_a_trainer_are_named(tmp_path: Path) -> None:
    contents = lightning()
    contents["state_dict"]["lora.weight"] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"a checkpoint of FMBoost has not: lora\.weight"):
        converted("fmboost", contents, tmp_path)


def test_the_command_takes_safetensors_and_an_autoencoders_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(foreign.random_state(foreign.dit_shapes(384, 1, rows=1, side=4)), tmp_path / "lfm.safetensors")
    out = tmp_path / "new" / "ours.safetensors"
    cli.main(f"convert lfm {tmp_path}/lfm.safetensors {out} --encoder {tmp_path}/vae".split())
    assert "ours.safetensors" in capsys.readouterr().out
    meta = described(out)
    assert meta["model"]["encoder"] == {
        "type": "AutoencoderKL", "scale": 0.18215, "shift": 0.0, "posterior": "sample", "path": f"{tmp_path}/vae",
    }  # fmt: skip
    assert meta["model"]["image_size"] == 32
    assert meta["model"]["network"]["network"]["heads"] == 6
    assert meta["model"]["conditions"] == []
    assert meta["converted_from"]["file"] == "lfm.safetensors"
    assert len(meta["converted_from"]["sha256"]) == 64


class Evil:
    """Would write a file if it were unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.file,))


def test_nothing_in_the_file_is_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing in it was run"):
        converted("lfm", {"model": dit_state(), "args": Evil(tmp_path / "seen")}, tmp_path)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Evil(tmp_path / "seen")))
    with pytest.raises(ValueError, match="no checkpoint"):
        convert("lfm", tmp_path / "plain.pth", tmp_path / "x.safetensors")
    assert not (tmp_path / "seen").exists()
    assert not (tmp_path / "ours.safetensors").exists()


@pytest.mark.parametrize(
    ("format", "out", "weights", "message"),
    [
        (
            "ldm",
            "x.safetensors",
            None,
            "format is one of lfm, dit, sit, fmboost, ddpm, adm, diffusers, checkpoint; got 'ldm'",
        ),
        ("lfm", "x.pth", None, r"written as \.safetensors; got .*x\.pth"),
        ("lfm", "x.safetensors", "swa", "weights are 'ema' or 'model'; got 'swa'"),
        ("lfm", "x.safetensors", None, "there is no checkpoint"),
    ],
)
def test_what_is_wrong_is_said(format: str, out: str, weights: str | None, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        convert(format, tmp_path / "none.pth", tmp_path / out, weights=weights)
