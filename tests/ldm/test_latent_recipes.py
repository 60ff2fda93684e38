"""The recipes for latents of diffusion models, each from the first iteration to a picture of such a model."""

from pathlib import Path

import pytest
from PIL import Image

from cfmrestore.apis.boost import boost
from tests.ldm import tiny
from tests.testing import run_tool, write_images


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "kind"), [("sd15", "sd"), ("sdxl", "sdxl"), ("flux1", "flux")])
def test_a_recipe_trains_and_lifts_what_its_model_makes(recipe: str, kind: str, tmp_path: Path) -> None:
    pipeline, images = tiny.save(kind, tmp_path / kind), write_images(tmp_path / "images", side=48)
    options = {
        "encoder_path": pipeline / "vae",
        "data_root": images,
        "imagenet_root": images,
        "val_root": images,
        "crop_size": 32,
        "train_cfg.max_iters": 2,
        "train_cfg.val_interval": 2,
        "train_dataloader.batch_size": 2,
        "train_dataloader.num_workers": 0,
        "train_dataloader.persistent_workers": False,
        "default_hooks.logger.interval": 1,
    }
    output = run_tool(
        "train.py", f"configs/cfm_unet-1.6m_{recipe}-x2.py", "--work-dir", tmp_path / "run", options=options
    )
    assert "loss_targetmse: " in output
    assert "Iter(val)" in output
    (picture,) = boost(
        ["A red fox!"], pipeline=str(pipeline), model=str(tmp_path / "run"), out=tmp_path / "fox.png",
        height=16, width=24, steps=2, precision="fp32",
    )  # fmt: skip
    assert Image.open(picture).size == (48, 32)
