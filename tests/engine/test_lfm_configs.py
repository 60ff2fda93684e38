"""LFM's recipes: their networks to the parameter, and what their names and the published epochs say."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from cfmrestore.apis import load_config
from cfmrestore.flows import CouplingFlow
from cfmrestore.registry import DATASETS, MODELS
from tests.engine.test_config import small_vae
from tests.testing import ROOT

FOLDER = ROOT / "configs" / "lfm"
LISTED = {model["Name"]: model for model in yaml.safe_load((FOLDER / "metafile.yml").read_text())["Models"]}
CONFIGS = sorted(FOLDER.glob("*.py"))
PUBLISHED = [path for path in CONFIGS if path.stem.startswith("lfm_")]
RUNS = {  # images of an epoch, and epochs
    "celebahq-256": (27_000, 500), "celebahq-512": (30_000, 1000), "ffhq-256": (63_000, 500),
    "dit-l2:lsun-bedroom-256": (120_000, 600), "adm:lsun-bedroom-256": (120_000, 500),
    "lsun-church-256": (120_000, 600), "dit-b2:imagenet-256": (1_281_167, 1000), "adm:imagenet-256": (1_281_167, 1200),
    "inpainting-celebahq-256": (24_183, 500), "outpainting-celebahq-256": (24_183, 500),
    "semantic-celebamask-256": (27_000, 175), "semantic-ade20k-256": (20_210, 175),
    "semantic-coco-stuff-256": (118_287, 175),
}  # fmt: skip
CLASSES, WIDTH_L, TOKENS = 1000, 1024, 16 * 16


def build(path: Path, vae: Path) -> CouplingFlow:
    cfg = load_config(path)
    if cfg.model.encoder.type == "AutoencoderKL":  # its weights are the user's; a stand-in of its shape
        cfg.model.encoder = {**cfg.model.encoder, "path": str(vae)}
    with torch.device("meta"):
        return MODELS.build(cfg.model)


def trained(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_vae(tmp_path_factory.mktemp("vae"))


def test_the_metafile_lists_the_configs() -> None:
    assert {f"configs/lfm/{path.name}" for path in CONFIGS} == {model["Config"] for model in LISTED.values()}
    assert "configs/lfm/metafile.yml" in yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_parameters_are_those_of_the_metafile(path: Path, vae: Path) -> None:
    parameters = trained(build(path, vae))
    assert parameters == LISTED[path.stem]["Metadata"]["Parameters"]
    table = (FOLDER / "README.md").read_text()
    row = next(line for line in table.splitlines() if line.startswith("|") and f"`{path.name}`" in line)
    assert f"{parameters / 1e6:.1f} M" in row


def test_parameters_are_the_published_ones(vae: Path) -> None:
    """DiT's have a table of 1000 classes and none, L/2 457,840,672 with eight outputs and 457,824,272 with four."""
    assert trained(build(FOLDER / "lfm_dit-b2_8xb160-lr1e-4_imagenet-256.py", vae)) == 130_303_504
    unconditional = trained(build(FOLDER / "lfm_dit-l2_1xb32-lr2e-4_celebahq-256.py", vae))
    four_outputs = unconditional + (CLASSES + 1) * WIDTH_L
    assert four_outputs == 457_824_272
    eight_outputs = four_outputs + 4 * 2**2 * (WIDTH_L + 1)  # four channels more, of 2 x 2 samples a token
    assert eight_outputs == 457_840_672
    logged = unconditional + WIDTH_L + TOKENS * WIDTH_L  # LFM's one class, and its frozen table of positions
    assert round(logged / 2**20, 1) == 435.9


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_name_says_batch_and_rate_and_the_steps_are_the_epochs(path: Path) -> None:
    cfg = load_config(path)
    found = re.fullmatch(r"lfm_(.+)_(\d+)xb(\d+)-lr(\de-\d)_(.+)", path.stem)
    assert found is not None
    network, processes, batch, rate, data = found.groups()
    images, epochs = RUNS.get(f"{network}:{data}") or RUNS[data]
    assert cfg.train_dataloader.batch_size == int(batch)
    assert cfg.optim_wrapper.optimizer == {"type": "AdamW", "lr": float(rate), "weight_decay": 0.0}
    assert cfg.train_cfg.max_iters == images // (int(processes) * int(batch)) * epochs
    assert cfg.randomness.seed == 1024
    assert cfg.custom_hooks[0] == {"type": "EMAHook", "decay": 0.9999}
    check_model(cfg, network)


def check_model(cfg: Config, network: str) -> None:
    model = cfg.model
    encoder = {key: model.encoder[key] for key in ("type", "scale", "shift", "posterior")}
    assert encoder == {"type": "AutoencoderKL", "scale": 0.18215, "shift": 0.0, "posterior": "sample"}
    assert (model.coupling.type, model.path) == ("Independent", {"type": "Linear", "sigma_min": 1e-5})
    assert model.sampling.solver == {"type": "DoPri5", "atol": 1e-5, "rtol": 1e-5}
    assert model.network.time_scale == 1
    assert {"adm": "UNet", "dit-l2": "DiT", "dit-b2": "DiT"}[network] == model.network.type
    for condition in model.conditions:  # what is guided was dropped
        assert (condition.type == "ClassLabel") == (model.sampling.get("guidance", 1) != 1) == ("dropout" in condition)


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("lfm_adm_1xb112-lr2e-5_celebahq-256", {(512, 4)}),
        ("lfm_adm_8xb6-lr2e-5_celebahq-512", {(512, 4), (1024, 4)}),
        ("lfm_adm_1xb128-lr2e-5_ffhq-256", {(512, 8), (768, 12), (1024, 16)}),
        ("lfm_adm_2xb64-lr5e-5_semantic-ade20k-256", {(1024, 4)}),
    ],
)
def test_heads_follow_from_the_channels_of_a_level(name: str, heads: set[tuple[int, int]], vae: Path) -> None:
    from cfmrestore.networks.layers import SpatialAttention

    flow = build(FOLDER / f"{name}.py", vae)
    found = {(m.qkv.in_channels, m.heads) for m in flow.network.modules() if isinstance(m, SpatialAttention)}
    assert found == heads
    shapes = [m.qkv.weight.shape for m in flow.network.modules() if isinstance(m, SpatialAttention)]
    assert all(shape[0] == 3 * shape[1] for shape in shapes)


@pytest.mark.parametrize("name", ["digits_unet", "digits_dit", "photographs", "scenes_semantic_tiny", "bridge_scenes"])
def test_small_siblings_train_and_draw(name: str) -> None:
    cfg = load_config(FOLDER / f"{name}.py")
    flow, data = MODELS.build(cfg.model), DATASETS.build(cfg.train_dataloader.dataset)
    batch = pseudo_collate([data[0], data[1]])
    losses = flow(**flow.data_preprocessor(batch, True), mode="loss")
    losses["loss_mse"].backward()
    assert torch.isfinite(losses["loss_mse"])
    result = flow.eval().test_step(batch, sampling=replace(flow.sampling, num_intervals=1))
    assert result[0]["restored"].shape == data[0]["inputs"]["high"].shape


@torch.no_grad()
def test_the_bridge_starts_at_colors_that_tell_the_classes_apart() -> None:
    """Both ways without the network: colors are closest to their own where the noise of the start is on them."""
    cfg = load_config(FOLDER / "bridge_scenes.py")
    flow, data = MODELS.build(cfg.model).eval(), DATASETS.build(cfg.train_dataloader.dataset)
    for parameter in flow.parameters():
        torch.nn.init.zeros_(parameter)
    inputs, seeds = data[3]["inputs"], torch.tensor([1])
    there = flow.restore(inputs["low"][None] / 255, seeds)
    back = flow.invert(there.image, seeds).image
    palette = torch.tensor(cfg.palette) / 255
    nearest = (back[0, :, None] - palette.T[..., None, None]).square().sum(0).argmin(0)
    assert torch.equal(nearest, inputs["map"].long())
    assert len(palette) == len(data.metainfo["classes"])
