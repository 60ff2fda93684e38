"""The recipe of configs/editing: it trains, and draws."""

from dataclasses import replace

import torch
import yaml
from mmengine.dataset import pseudo_collate

from cfmrestore.engine.config.load import load_config
from cfmrestore.registry import DATASETS, MODELS
from tests.testing import ROOT

FOLDER = ROOT / "configs" / "editing"


def test_portraits_train_and_are_drawn_told_nothing() -> None:
    cfg = load_config(ROOT / "configs/editing/avatars.py")
    flow, data = MODELS.build(cfg.model), DATASETS.build(cfg.train_dataloader.dataset)
    assert not flow.conditions.parts
    batch = pseudo_collate([data[0], data[1]])
    losses = flow(**flow.data_preprocessor(batch, True), mode="loss")
    losses["loss_mse"].backward()
    assert torch.isfinite(losses["loss_mse"])
    result = flow.eval().test_step(batch, sampling=replace(flow.sampling, num_intervals=1))
    assert result[0]["restored"].shape == (3, 64, 64)
    held = DATASETS.build(cfg.test_dataloader.dataset)
    assert len(held) == 500
    assert held.split == "held_out"


def test_the_metafile_lists_them() -> None:
    listed = yaml.safe_load((FOLDER / "metafile.yml").read_text())
    assert [model["Config"] for model in listed["Models"]] == [
        path.relative_to(ROOT).as_posix() for path in sorted(FOLDER.glob("*.py"))
    ]
    assert (ROOT / listed["Collections"][0]["README"]).is_file()
    assert "configs/editing/metafile.yml" in yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]
