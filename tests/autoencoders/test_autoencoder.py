"""Autoencoders trained here: what they promise, their recipe from training to the encoder of a flow."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import Tensor

from cfmrestore.apis import load_config
from cfmrestore.autoencoders import Autoencoder
from cfmrestore.contracts import CONTRACTS
from cfmrestore.encoders import TrainedAutoencoder
from cfmrestore.encoders.conv_autoencoder import ConvAutoencoder
from cfmrestore.engine import checkpoints
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import ENCODERS, MODELS
from tests.integration.test_resume import check_same_end, losses
from tests.restore.flows import random_flow
from tests.testing import ROOT, TINY, run_tool, small_options, write_images

FOLDER = ROOT / "configs" / "autoencoder"
LISTED = {model["Name"]: model for model in yaml.safe_load((FOLDER / "metafile.yml").read_text())["Models"]}
SMALL: dict[str, Any] = {"channels": 3, "widths": (8, 12), "blocks": 1}
CONFIG = """
_base_ = {base!r}
custom_imports = dict(imports=["tests.integration.hooks"])
custom_hooks = [dict(type="EMAHook", decay=0.9), dict(type="SampleGridHook"), dict(type="PreemptionHook", interval=1),
                dict(type="WriteRandomState")]
model = dict(
    widths=(8, 12), blocks=1, kl=1e-4, loss=[dict(type="Perceptual", net="SeededNet"), dict(type="Lattice", window=2)]
)
val_evaluator = [dict(type="PSNR", protocol="rgb")]
test_evaluator = val_evaluator
"""


def build(**keys: Any) -> Autoencoder:
    torch.manual_seed(0)
    return MODELS.build({"type": "Autoencoder", **SMALL, **keys})


def batch(side: int = 16, count: int = 4) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {"high": torch.rand(count, 3, side, side, generator=generator), "seeds": torch.arange(count)}


def saved(folder: Path, **keys: Any) -> Path:
    """A file as a training writes it, of random weights."""
    model = build(**keys)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model(batch(), mode="loss")
    folder.mkdir(parents=True, exist_ok=True)
    meta = {"model": {"type": "Autoencoder", **SMALL, **keys}}
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "iter_7.safetensors", metadata={"meta": json.dumps(meta)})
    (folder / "last_checkpoint").write_text("/elsewhere/iter_7.pth")
    return folder


@pytest.mark.parametrize("widths", [(8,), (8, 12), (8, 8, 12)])
def test_what_lies_beyond_its_reach_does_not_count(widths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = ConvAutoencoder(channels=2, widths=widths, blocks=1).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    factor, reach = network.downscale, network.reach
    side = 2 * reach + 5
    image = torch.rand(1, 3, factor * side, factor * side, dtype=torch.float64, requires_grad=True)
    latent = network.encode(image)
    assert latent.shape == (1, 2, side, side)
    middle = side // 2
    (gradient,) = torch.autograd.grad(latent[0, :, middle, middle].sum(), image)
    seen = gradient[0].abs().sum(0).reshape(side, factor, side, factor).sum((1, 3)).nonzero() - middle
    assert reach - 1 <= int(seen.abs().max()) <= reach
    latent = latent.detach().requires_grad_()
    begin = middle * factor
    pixels = network.decode(latent)[0, :, begin : begin + factor, begin : begin + factor]
    (gradient,) = torch.autograd.grad(pixels.sum(), latent)
    seen = gradient[0].abs().sum(0).nonzero() - middle
    assert reach - 1 <= int(seen.abs().max()) <= reach


@pytest.mark.parametrize("kl", [None, 1e-2])
def test_losses_are_those_of_their_equations(kl: float | None) -> None:
    model, inputs = build(kl=kl, pixels="mse"), batch()
    found = model(inputs, mode="loss")
    network, image = model.autoencoder, inputs["high"]
    if kl is None:
        expected = (network.decode(network.encode(image)) - image).square().mean()
        assert found.keys() == {"loss_mse"}
        torch.testing.assert_close(found["loss_mse"], expected)
        return
    mean, log_variance = network.encode(image).chunk(2, dim=1)
    normal = torch.distributions.Normal(mean, (log_variance / 2).exp())
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    divergence = torch.distributions.kl_divergence(normal, standard).mean()
    assert found.keys() == {"loss_mse", "loss_kl"}
    torch.testing.assert_close(found["loss_kl"], kl * divergence)
    again = model(inputs, mode="loss")
    assert torch.equal(again["loss_mse"], found["loss_mse"])
    other = model({**inputs, "seeds": inputs["seeds"] + 9}, mode="loss")
    assert not torch.equal(other["loss_mse"], found["loss_mse"])


def test_a_loss_of_an_image_does_not_depend_on_its_batch() -> None:
    model, inputs = build(kl=1e-3), batch()
    whole = model(inputs, mode="loss")["loss_l1"]
    halves = [model({k: v[i : i + 2] for k, v in inputs.items()}, mode="loss")["loss_l1"] for i in (0, 2)]
    torch.testing.assert_close(whole, torch.stack(halves).mean())


def test_the_losses_of_pictures() -> None:
    learned = {"type": "Adversarial", "channels": 4, "begin": 0}
    model = build(
        loss=[{"type": "Perceptual", "net": "SeededNet", "shift": 3, "weight": 0.5}, {"type": "Lattice"}, learned]
    )
    found = model(batch(32), mode="loss")
    assert found.keys() == {"loss_l1", "loss_perceptual", "loss_lattice", "loss_adversarial"}
    found["loss_perceptual"].backward()
    assert all(parameter.grad is not None for parameter in model.autoencoder.parameters())
    assert not any("network" in name for name in model.state_dict())
    for loss in ({"type": "MSE"}, {"type": "Lattice", "steps": 1}):
        with pytest.raises(ValueError, match="the losses of an Autoencoder compare two pictures"):
            build(loss=loss)


def test_statistics_are_those_of_the_latents() -> None:
    model = build()
    latents = []
    for number in range(5):
        inputs = {"high": torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(number)) ** 2,
                  "seeds": torch.zeros(2, dtype=torch.int64)}  # fmt: skip
        model(inputs, mode="loss")
        latents.append(model.autoencoder.encode(inputs["high"]))
    joined = torch.cat(latents)
    torch.testing.assert_close(model.latent_mean, joined.mean())
    torch.testing.assert_close(model.latent_square, joined.square().mean())


def test_images_of_any_size_come_back() -> None:
    model = build()
    assert model({"high": torch.rand(1, 3, 13, 22)}).shape == (1, 3, 13, 22)
    with pytest.raises(ValueError, match=r"multiples of 4; got \(13, 22\)"):
        model({"high": torch.rand(1, 3, 13, 22), "seeds": torch.zeros(1)}, mode="loss")
    with pytest.raises(ValueError, match="is trained on images; this data gives latent"):
        model({"latent": torch.rand(1, 3, 13, 22)}, mode="loss")


@pytest.mark.parametrize(("keys", "more"), [({}, {}), ({"kl": 1e-3}, {}), ({"kl": 1e-3}, {"posterior": "sample"})])
def test_it_keeps_the_contract_of_encoders(tmp_path: Path, keys: dict, more: dict) -> None:
    folder = saved(tmp_path / "run", **keys)
    findings = list(CONTRACTS["encoder"].findings(TrainedAutoencoder(path=str(folder), **more)))
    assert [(one.name, one.broken) for one in findings if one.broken] == []


def test_latents_have_unit_variance(tmp_path: Path) -> None:
    for number, keys in enumerate(({}, {"kl": 1e-3})):
        posterior = {"posterior": "sample"} if keys else {}
        encoder = TrainedAutoencoder(path=str(saved(tmp_path / str(number), **keys)), **posterior)
        inputs = batch()
        latent = encoder.encode(inputs["high"], ImageRng(inputs["seeds"]).fork("autoencoder") if keys else None)
        assert abs(float(latent.mean())) < 1e-4
        assert abs(float(latent.square().mean()) - 1) < 1e-4


def test_what_is_no_autoencoder_is_named(tmp_path: Path) -> None:
    folder = saved(tmp_path / "run")
    file = folder / "iter_7.safetensors"
    weights = load_file(file)

    def write(model: Any, **changed: Tensor) -> None:
        save_file({**weights, **changed}, file, metadata={"meta": json.dumps({"model": model})})

    described = {"type": "Autoencoder", **SMALL}
    flat = {"latent_mean": torch.tensor(2.0), "latent_square": torch.tensor(4.0)}
    mistakes: list[tuple[Any, dict[str, Tensor], str]] = [
        ({"type": "CouplingFlow"}, {}, "is of a CouplingFlow, and no Autoencoder"),
        (None, {}, "is of a None, and no Autoencoder"),
        ({**described, "blocks": 10**9}, {}, "has not the weights of .* 1000000000 blocks"),
        ({**described, "widths": [8, 10**6]}, {}, "is of another network"),
        ({**described, "widths": "wide"}, {}, "has not the weights of the autoencoder that it describes: wide"),
        ({**described, "widths": ["wide"]}, {}, "describes no autoencoder"),
        ({**described, "blocks": 2}, {}, "is of another network"),
        (described, flat, "its latents do not vary"),
    ]
    for model, changed, message in mistakes:
        write(model, **changed)
        with pytest.raises(ValueError, match=message):
            TrainedAutoencoder(path=str(folder))
    write(described)
    with pytest.raises(ValueError, match="posterior is 'mode', or of a variational"):
        TrainedAutoencoder(path=str(file), posterior="sample")
    with pytest.raises(ValueError, match="has the sha256"):
        TrainedAutoencoder(path=str(file), sha256="00")
    file.unlink()
    with pytest.raises(ValueError, match="no weights of an autoencoder in"):
        TrainedAutoencoder(path=str(folder))
    with pytest.raises(ValueError, match="holds no training of an autoencoder"):
        TrainedAutoencoder(path=str(tmp_path))


def options(folder: Path, ranks: int = 0, **changes: Any) -> dict[str, Any]:
    data = write_images(folder / "images")
    return {
        "data_root": data, "val_root": data, "crop_size": 24, "train_dataloader.batch_size": 4 // max(ranks, 1),
        "train_dataloader.num_workers": 0, "train_dataloader.persistent_workers": False, "train_cfg.max_iters": 20,
        "train_cfg.val_interval": 20,
        "param_scheduler.0.end": 2, "param_scheduler.1.begin": 2, "default_hooks.checkpoint.interval": 10,
        "default_hooks.checkpoint.max_keep_ckpts": -1, "default_hooks.logger.interval": 1,
        **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A config, and twenty iterations of it."""
    folder = tmp_path_factory.mktemp("autoencoder")
    config = folder / "config.py"
    config.write_text(CONFIG.format(base=str(FOLDER / "ae_f4c4.py")))
    run_tool("train.py", config, "--work-dir", folder / "run", options=options(folder))
    return config, folder / "run"


@pytest.mark.slow
def test_a_training_learns_resumes_and_is_measured(trained: tuple[Path, Path], tmp_path: Path) -> None:
    config, unbroken = trained
    values = losses(unbroken)
    assert len(values) == 20
    assert sum(values[-3:]) < sum(values[:3])
    keys, work_dir = options(tmp_path), tmp_path / "run"
    run_tool("train.py", config, "--work-dir", work_dir, options={**keys, "train_cfg.max_iters": 10,
             "param_scheduler.1.end": 20}, expect=0)  # fmt: skip
    run_tool("train.py", config, "--work-dir", work_dir, "--resume", options={**keys, "param_scheduler.1.end": 20})
    check_same_end(unbroken, work_dir)
    out = tmp_path / "result.json"
    run_tool("test.py", config, work_dir, "--work-dir", tmp_path / "test", "--out", out, "--show-dir",
             tmp_path / "pictures", options=keys)  # fmt: skip
    assert "PSNR" in out.with_suffix(".md").read_text()
    assert (tmp_path / "pictures" / "sheet.png").is_file()


@pytest.mark.slow
def test_two_ranks_are_one(trained: tuple[Path, Path], tmp_path: Path) -> None:
    config, one = trained
    run_tool("train.py", config, "--work-dir", tmp_path / "run", options=options(tmp_path, ranks=2), ranks=2)
    a, b = (checkpoints.load(folder / "iter_20.pth")["raw_state_dict"] for folder in (one, tmp_path / "run"))
    for name in ("latent_mean", "latent_square"):
        torch.testing.assert_close(a[name], b[name], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(losses(one), losses(tmp_path / "run"), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_flow_trains_in_its_space(trained: tuple[Path, Path], tmp_path: Path) -> None:
    _, run = trained
    space = {"model.encoder.type": "TrainedAutoencoder", "model.encoder.path": run}
    keys = {key: value for key, value in small_options(tmp_path).items() if key != "model.encoder.factor"}
    run_tool("train.py", TINY, "--work-dir", tmp_path / "flow", "--no-validate", options={**keys, **space})
    meta = checkpoints.load(tmp_path / "flow" / "iter_6.pth")["meta"]
    encoder = ENCODERS.build({"type": "TrainedAutoencoder", "path": str(run)})
    assert meta["encoder"] == {"name": "TrainedAutoencoder", "digest": encoder.digest()}
    run_tool("restore.py", tmp_path / "images" / "0.png", "--model", tmp_path / "flow", "--out", tmp_path / "restored")
    assert (tmp_path / "restored" / "0.png").is_file()
    with pytest.raises(ValueError, match="has no file 'last_checkpoint'"):
        random_flow(encoder={"type": "TrainedAutoencoder", "path": str(tmp_path)})


@pytest.mark.parametrize("name", ["ae_f4c4", "kl_f4c4", "ae_f8c16", "kl_f8c16"])
def test_the_recipes(name: str) -> None:
    cfg = load_config(FOLDER / f"{name}.py")
    model = MODELS.build(cfg.model)
    factor, channels = (int(part) for part in name.split("_f")[1].split("c"))
    assert (model.autoencoder.downscale, model.autoencoder.channels) == (factor, channels)
    assert (model.kl is not None) == name.startswith("kl")
    assert sum(parameter.numel() for parameter in model.parameters()) == LISTED[name]["Metadata"]["Parameters"]


def test_the_metafile_lists_the_recipes() -> None:
    found = {f"configs/autoencoder/{path.name}" for path in FOLDER.glob("*.py")}
    assert found == {model["Config"] for model in LISTED.values()}
    assert "configs/autoencoder/metafile.yml" in yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]


def test_what_the_latents_are_like_survives_a_step_that_is_skipped() -> None:
    model = MODELS.build({"type": "Autoencoder", **SMALL})
    images = torch.rand(6, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    others = MODELS.build({"type": "Autoencoder", **SMALL})
    others.load_state_dict(model.state_dict())
    for index, image in enumerate(images):
        if index in (0, 3):
            model.loss(torch.full_like(image, torch.inf), torch.arange(2))
        model.loss(image, torch.arange(2))
        others.loss(image, torch.arange(2))
    assert int(model.batches) == 6
    assert torch.equal(model.latent_mean, others.latent_mean)
    assert torch.equal(model.latent_square, others.latent_square)
