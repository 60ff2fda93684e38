"""The recipes of configs/few_steps: what each says of its teacher, its cost and its losses."""

from pathlib import Path

import pytest
import torch
import yaml

from cfmrestore.apis import load_config
from cfmrestore.registry import MODELS
from tests.testing import ROOT

FOLDER = ROOT / "configs" / "few_steps"
CONFIGS = sorted(FOLDER.glob("*.py"))
TEACHERS = {  # what they begin with, and the recipe of that
    "cfm_x4": ("work_dirs/cfm_unet-1.6m_x4", "cfm_unet-1.6m_x4.py"),
    "cfm_realsr_x4": ("work_dirs/cfm_unet-1.6m_realsr-x4", "cfm_unet-1.6m_realsr-x4.py"),
    "digits": ("work_dirs/digits_unet", "lfm/digits_unet.py"),
}
ONE_STEP = {"cfm_realsr_x4_perceptual", "digits_consistency", "digits_drifting"}
FROM_DATA = {
    "digits_reflow",
    "digits_mmd",
    "digits_mmd_validated",
    "digits_drifting",
}  # of the teacher they have the weights alone
LISTED = {model["Name"]: model for model in yaml.safe_load((FOLDER / "metafile.yml").read_text())["Models"]}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_recipe_is_a_sibling_of_its_teacher(path: Path) -> None:
    cfg = load_config(path)
    with torch.device("meta"):
        flow = MODELS.build(cfg.model)
    base = next(base for kind, base in TEACHERS.items() if path.stem.startswith(kind))
    assert cfg.load_from == base[0]
    assert flow.sampling.guidance == 1
    assert not flow.conditions.droppable
    assert not cfg.model.network.get("dropout")
    assert flow.sampling.nfe == (1 if path.stem in ONE_STEP else 2)
    reflow = path.stem.endswith("reflow")
    assert flow.network.flow_map is not reflow
    assert flow.sampling.solver.needs_flow_map is not reflow
    assert (cfg.model.get("teacher") is None) is (path.stem in FROM_DATA)
    if cfg.model.get("teacher"):
        assert cfg.model.teacher.weights == cfg.load_from
        teacher = load_config(ROOT / "configs" / base[1])
        assert cfg.optim_wrapper.optimizer.lr < teacher.optim_wrapper.optimizer.lr
        assert cfg.model.teacher.get("guidance", 1) == teacher.model.sampling.get("guidance", 1)
        assert type(flow.losses[0]).__name__ == "MSE"  # keeps the velocity
        assert len(flow.losses) >= 2


def test_the_metafile_lists_them() -> None:
    assert list(LISTED) == [path.stem for path in CONFIGS]
    assert all((ROOT / model["Config"]).is_file() for model in LISTED.values())
    assert "configs/few_steps/metafile.yml" in (ROOT / "model-index.yml").read_text()
