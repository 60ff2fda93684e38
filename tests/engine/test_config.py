"""Configs: references, options, and one message for every wrong key."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from mmengine.config import Config

from cfmrestore._compat import format_configs_once
from cfmrestore.apis import load_config
from cfmrestore.apis.test import evaluate_checkpoint
from cfmrestore.apis.train import train
from cfmrestore.engine.config import check
from cfmrestore.engine.setup import prepare_config
from cfmrestore.registry import MODELS
from cfmrestore.restore import Restorer
from tests.encoders.weights import save_taef2
from tests.restore.flows import save_model
from tests.testing import ROOT, TINY, write_images

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
FILES = sorted(p for p in (ROOT / "configs").rglob("*.py") if not {"_base_", "degradations", "study"} & set(p.parts))
CHAINS = [path for path in FILES if path.stem.startswith("cascade")]
CONFIGS = [path for path in FILES if path not in CHAINS]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_config_is_read(path: Path) -> None:
    cfg = load_config(path)
    assert cfg.model.type in ("CouplingFlow", "Autoencoder")
    assert "${" not in cfg.pretty_text


@pytest.mark.parametrize("path", CHAINS, ids=lambda p: p.stem)
def test_every_chain_names_its_stages(path: Path, tmp_path: Path) -> None:
    restorer = Restorer.from_pretrained(path)
    assert (restorer.scale, len(restorer.stages)) == (16, 2)
    (tmp_path / "none.py").write_text("stages = ['work_dirs/runs/none']")
    with pytest.raises(ValueError, match="there is no model 'work_dirs/runs/none'"):
        Restorer.from_pretrained(tmp_path / "none.py")


@pytest.mark.filterwarnings("ignore:for .*copying from a non-meta parameter")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_network_is_built(path: Path, tmp_path: Path) -> None:
    import torch

    cfg = load_config(path)
    stand_ins = {"AutoencoderKL": small_vae, "TAEF2": save_taef2}  # whose weights are the user's
    if (kind := cfg.model.get("encoder", {}).get("type")) in stand_ins:
        cfg.model.encoder = {"type": kind, "path": str(stand_ins[kind](tmp_path))}
    with torch.device("meta"):
        flow = MODELS.build(cfg.model)
    parameters = sum(p.numel() for p in flow.parameters())
    assert parameters > 1e5
    if "305m" in path.stem:
        assert round(parameters / 1e6, 1) == 305.8


def small_vae(folder: Path) -> Path:
    from cfmrestore._compat import patch_torchvision

    patch_torchvision()
    from diffusers import AutoencoderKL

    blocks = {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}
    AutoencoderKL(block_out_channels=[8] * 4, norm_num_groups=4, **blocks).save_pretrained(folder / "vae")
    return folder / "vae"


def test_an_option_changes_all_places_that_refer_to_it() -> None:
    cfg = load_config(TINY, {"scale": 2, "data_root": "elsewhere", "protocol": "rgb"})
    assert cfg.model.scale == 2
    assert cfg.model.data_preprocessor.degradation[1].scale == 2
    assert [metric.get("protocol") for metric in cfg.val_evaluator] == ["rgb", "rgb", None]
    assert cfg.train_dataloader.dataset.data_root == "elsewhere"


def splits(options: dict) -> list[str]:
    cfg = load_config(ROOT / "configs" / "cfm_unet-2.7m_x4.py", options)
    photographs, others = cfg.train_dataloader.dataset.datasets
    assert others.get("split", "all") == "all"
    return [
        photographs.split,
        *(cfg[f"{kind}_dataloader"].dataset.split for kind in ("val", "test") if cfg[f"{kind}_dataloader"]),
    ]


def test_only_a_folder_that_is_validated_on_too_is_split() -> None:
    assert splits({}) == ["train", "held_out", "held_out"]
    assert splits({"data_root": "mine"}) == ["train", "held_out", "held_out"]
    assert splits({"data_root": "mine", "val_root": "held"}) == ["all", "all", "all"]
    assert splits({"test_dataloader.dataset.data_root": "held"}) == ["train", "held_out", "all"]
    cache = {"_delete_": True, "type": "CachedLatents", "data_root": "of_some_folder"}
    pairs = {"_delete_": True, "type": "PairedFolder", "high_root": "of_some_folder", "low_root": "of_it_too"}
    for dataset in (cache, pairs):
        cfg = load_config(ROOT / "configs" / "cfm_unet-2.7m_x4.py", {"train_dataloader.dataset": dataset})
        assert cfg.val_dataloader.dataset.split == "held_out"
    assert splits({"val_dataloader": None, "val_cfg": None, "val_evaluator": None})[0] == "train"


def test_the_recipe_for_pairs_validates_on_pairs(tmp_path: Path) -> None:
    """As docs/train.md has it: what is trained on pairs keeps the weights that are best on pairs."""
    recipe = next(one for one in PYTHON.findall((ROOT / "docs" / "train.md").read_text()) if "PairedFolder" in one)
    (tmp_path / "pairs.py").write_text(recipe.replace("configs/", f"{ROOT}/configs/"))
    cfg = load_config(tmp_path / "pairs.py", {"data_root": "x", "val_root": "y"})
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.type == "PairedFolder"
    assert cfg.val_dataloader.dataset.high_root != cfg.train_dataloader.dataset.high_root


def test_a_new_type_starts_its_dict_afresh() -> None:
    cfg = load_config(TINY, {"model.encoder.type": "TAEF2", "model.encoder.path": "weights"})
    assert cfg.model.encoder == {"type": "TAEF2", "path": "weights"}


def test_references_keep_types_and_join_strings(tmp_path: Path) -> None:
    path = tmp_path / "c.py"
    path.write_text(
        "a = 3\nroot = 'x'\nfind_unused_parameters = dict(n='${a}', p='${root}/y/${a}', q=['${b.c}'])\nb = dict(c=1.5)"
    )
    assert load_config(path).find_unused_parameters == {"n": 3, "p": "x/y/3", "q": [1.5]}
    path.write_text("a = '${nothing}'")
    with pytest.raises(ValueError, match=r"refers to \$\{nothing\}, which it does not define"):
        load_config(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dat_root": "x"}, "no key 'dat_root'; did you mean 'data_root'"),
        ({"model.network.blcks": 3}, "model.network: UNet has no key 'blcks'; did you mean 'blocks'"),
        ({"model.network.type": "UNt"}, "model.network: there is no 'UNt'; did you mean 'UNet'"),
        ({"model.sampling.solver.type": "Eulr"}, "model.sampling.solver: there is no 'Eulr'; did you mean 'Euler'"),
        ({"default_hooks.checkpoint.intervl": 3}, "CheckpointHook has no key 'intervl'; did you mean 'interval'"),
        ({"train_dataloader.dataset.dataroot": "x"}, "ImageFolder has no key 'dataroot'; did you mean 'data_root'"),
        ({"optim_wrapper.clipgrad": 1}, "OptimWrapper has no key 'clipgrad'; did you mean 'clip_grad'"),
        ({"optim_wrapper.optimizer.learning_rate": 1}, "AdamW has no key 'learning_rate'"),
        ({"train_dataloader.batchsize": 2}, "train_dataloader: DataLoader has no key 'batchsize'; did you mean 'batch"),
        ({"val_dataloader.nm_workers": 2}, "val_dataloader: .* 'nm_workers'; did you mean 'num_workers'"),
    ],
)
def test_wrong_keys_are_named_with_their_place(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_config(TINY, options)


def test_a_key_of_the_base_under_another_type_is_said_to_be_inherited(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    base, afresh = f"_base_ = '{TINY}'\n", "_delete_=True in model.coupling starts that dict afresh"
    path.write_text(base + "model = dict(coupling=dict(type='Independent'))")
    with pytest.raises(ValueError, match=rf"no key 'noise'; .* may come from _base_ \(LowresLatent\): {afresh}$"):
        load_config(path)
    path.write_text(base + "model = dict(coupling=dict(nose=3))")
    with pytest.raises(ValueError, match=r"no key 'nose'; did you mean 'noise'\?$"):
        load_config(path)
    path.write_text(base + "model = dict(coupling=dict(_delete_=True, type='Independent'))")
    assert load_config(path).model.coupling == {"type": "Independent"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model.sampling.solver.type": "Runge"},
            "there is no 'Runge'; known are: AB2, DoPri5, Euler, EulerMaruyama, FlowMapEuler, Heun,",
        ),
        ({"model.coupling.type": "Lowres"}, "there is no 'Lowres'; did you mean 'LowresLatent'?"),
        ({"optim_wrapper.optimizer.type": "Adem"}, "there is no 'Adem'; did you mean 'Adam'?"),
        ({"default_hooks.checkpoint.type": "Check"}, "default_hooks.checkpoint: there is no 'Check'; known are: "),
        ({"degradation": [{"type": "GaussianNose"}]}, "there is no 'GaussianNose'; did you mean 'GaussianNoise'?"),
        ({"model.network": {"type": "UNet", "other": {"type": "Unknown"}}}, "'Unknown'; no plugin has a name like it"),
        ({"model.network": {"type": "UNet", "other": {"type": "GVPP"}}}, "there is no 'GVPP'; did you mean 'GVP'?"),
    ],
)
def test_an_unknown_plugin_leads_to_those_of_its_kind(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        check_options(options)
    assert len(str(caught.value)) < 700


def check_options(options: dict) -> None:
    """A key that a plugin does not take is found after its parts."""
    cfg = load_config(TINY)
    cfg.merge_from_dict(options)
    for place, plugin in check._plugins(cfg._cfg_dict, ""):
        if plugin["type"] != "UNet":
            check._check_plugin(place, plugin)


def test_a_value_of_the_wrong_type_is_named_with_its_plugin() -> None:
    cfg = load_config(TINY, {"model.network.base_channels": "many"})
    with pytest.raises(ValueError, match=r"UNet cannot be built from \{.*'base_channels': 'many'"):
        MODELS.build(cfg.model)


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no config"):
        load_config(tmp_path / "none.py")
    path = tmp_path / "c.py"
    path.write_text("model = dict(")
    with pytest.raises(ValueError, match="cannot be read: SyntaxError"):
        load_config(path)
    path.write_text("trian_cfg = dict(max_iters=3)")
    with pytest.raises(ValueError, match="'trian_cfg' that nothing reads; did you mean 'train_cfg'"):
        load_config(path)
    path.write_text("custom_imports = dict(imports=['no_such_module'])")
    with pytest.raises(ValueError, match=r"no_such_module.*working directory") as told:
        load_config(path)
    assert "\n" not in str(told.value)
    path.write_text("import no_such_module")
    with pytest.raises(ValueError, match=r"ModuleNotFoundError: .*No module named 'no_such_module'"):
        load_config(path)
    path.write_text("import math\n_base_ = 'cfmrestore::cfm_realsr_tiny.py'")
    with pytest.raises(ValueError, match="cannot be read: _base_ stands above what the file imports"):
        load_config(path)


def test_a_config_without_a_model_is_told_a_base(tmp_path: Path) -> None:
    path = tmp_path / "bare.py"
    path.write_text("train_cfg = dict(max_iters=3)")
    with pytest.raises(ValueError, match=r"bare.py' has no 'model': .*_base_ = \"cfmrestore::"):
        prepare_config(path, work_dir=None, launcher=None, options=None)


def test_recipes_that_learn_from_data_of_ones_own_keep_the_best_weights() -> None:
    for name in ("cfm_realsr.py", "cfm_realsr_tiny.py", "cfm_unet-2.7m_realsr-x4_finetune.py"):
        checkpoint = load_config(f"cfmrestore::{name}").default_hooks.checkpoint
        assert (checkpoint.save_best, checkpoint.rule) == ("PSNR", "greater")


def test_a_text_is_formatted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a run asks for it ten times, and again at every checkpoint."""
    texts: list[str] = []
    module = import_module("mmengine.config.config")
    monkeypatch.setattr(module, "FormatCode", lambda text, **keys: (texts.append(text) or text, True))
    format_configs_once.__wrapped__()
    cfg = Config({"a": 1})
    assert cfg.pretty_text == cfg.pretty_text == "a=1"
    cfg.a = 2
    assert cfg.pretty_text == "a=2"
    assert texts == ["a=1", "a=2"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("notes.txt", "x = 1", r"notes\.txt' is no config: one is a file \.py"),
        ("bad.json", "{", r"bad\.json' cannot be read"),
    ],
)
def test_files_that_are_no_configs_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        load_config(tmp_path / name)


def test_a_default_hook_by_another_name_and_a_folder_without_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="default_hooks has no 'chekpoint'; did you mean 'checkpoint'"):
        load_config(TINY, {"default_hooks.chekpoint.interval": 5})
    with pytest.raises(ValueError, match="data_root is empty: name a folder"):
        train(TINY, work_dir=str(tmp_path), options={"data_root": ""})


def test_pictures_of_a_test_lie_apart_from_what_is_tested(tmp_path: Path) -> None:
    photos, model = write_images(tmp_path / "photos", count=1, side=32), save_model(tmp_path / "m.pth")
    before = (photos / "0.png").read_bytes()
    keys = {"work_dir": str(tmp_path / "w"), "options": {"val_root": str(photos)}}
    for folder in (photos, photos / "shown"):
        with pytest.raises(ValueError, match=r"would lie among the images of .*photos: name another"):
            evaluate_checkpoint(TINY, model, show_dir=str(folder), **keys)
    assert (photos / "0.png").read_bytes() == before
